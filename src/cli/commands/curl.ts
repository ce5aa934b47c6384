import process from "node:process";
import { UserClient } from "../../client/user.ts";
import { AetherFetchTransport } from "../../proxy/fetch_transport.ts";
import { addressOf, credentialsOf, exitCode } from "../connect.ts";
import { readEnv } from "../env.ts";
import type { CurlOptions } from "../http_args.ts";
import type { Output } from "../output.ts";

/** `aether curl`: one request to a service, its answer on the standard output. @returns the exit code */
export async function curl(options: CurlOptions, output: Output): Promise<number> {
  const { target, path, data, headers, include, fail, timeoutMs, backend } = options;
  const { method = data === undefined ? "GET" : "POST" } = options;
  try {
    await using user = new UserClient({
      address: addressOf(options.address),
      credentials: credentialsOf(options),
      userId: "curl",
      windowId: crypto.randomUUID().slice(0, 8),
      workspace: options.workspace ?? readEnv("AETHER_WORKSPACE") ?? "default",
    });
    await user.connect();
    const transport = new AetherFetchTransport(user, target, { timeoutMs, backend });
    const began = performance.now();
    const response = await transport.fetch(path, { method, headers, body: data, redirect: "manual" });
    const { status, statusText } = response;
    output.event("response", { status, headers: [...response.headers], ms: Math.round(performance.now() - began) });
    if (include && !output.isJson) {
      output.line(`${status} ${statusText}`.trimEnd());
      for (const [name, value] of response.headers) output.line(`${output.dim(`${name}:`)} ${value}`);
      output.line();
    }
    for await (const bytes of response.body ?? []) {
      if (output.isJson) output.event("data", { text: new TextDecoder().decode(bytes) });
      else if (!process.stdout.write(bytes)) await new Promise((resolve) => process.stdout.once("drain", resolve));
    }
    return fail && status >= 400 ? 22 : 0;
  } catch (error) {
    output.error(error instanceof Error ? error.message : String(error));
    return exitCode(error);
  }
}
