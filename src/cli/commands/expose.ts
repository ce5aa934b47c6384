import process from "node:process";
import { ServiceClient } from "../../client/platform.ts";
import { serveHttp } from "../../proxy/serve.ts";
import { serveTunnels } from "../../proxy/serve_tunnels.ts";
import { webSocketUpstream } from "../../proxy/socket_upstream.ts";
import { httpUpstream } from "../../proxy/upstream.ts";
import { addressOf, credentialsOf, exitCode } from "../connect.ts";
import type { ExposeOptions } from "../http_args.ts";
import type { Output } from "../output.ts";

/** How long requests may finish after Ctrl-C, in ms. */
const DRAIN_MS = 5_000;

/** `aether expose`: a local HTTP server becomes a service, until Ctrl-C. @returns the exit code */
export async function expose(options: ExposeOptions, output: Output): Promise<number> {
  const { implementation, url, specifier = String(process.pid) } = options;
  const address = addressOf(options.address);
  const credentials = credentialsOf(options);
  const stop = Promise.withResolvers<number>();
  for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 0]] as const) {
    process.once(signal, () => stop.resolve(code));
  }
  let service: ServiceClient;
  try {
    service = new ServiceClient({ address, credentials, implementation, specifier });
    service.onStateChange((state) => {
      if (state === "waiting") output.line("The gateway is gone; trying again");
      if (state === "closed") stop.resolve(1);
    });
    // A server that is not there is said in its answer; what the connection has to say comes here.
    service.onError((error) => output.error(error.message));
    await service.connect();
  } catch (error) {
    output.error(error instanceof Error ? error.message : String(error));
    return exitCode(error);
  }
  const upstream = httpUpstream(url);
  const http = serveHttp(service, async (request, context) => {
    try {
      return await upstream(request, context);
    } catch (error) {
      if (request.signal.aborted) throw error;
      return new Response(`${url} does not answer: ${error instanceof Error ? error.message : error}\n`, {
        status: 502,
      });
    }
  }, {
    onRequest({ method, path, caller, status, ms }) {
      output.event("request", { method, path, caller, status, ms });
      const time = output.dim(new Date().toISOString().slice(11, 19));
      output.line(
        `${time}  ${status || "gone"}  ${method.padEnd(6)} ${path}  ${output.dim(`${Math.round(ms)} ms  ${caller}`)}`,
      );
    },
  });
  serveTunnels(service, webSocketUpstream(url));
  output.event("exposed", { topic: service.topic, url, address, pid: process.pid });
  output.line(`${output.bold(service.topic)} at ${address} is ${output.bold(url)}; Ctrl-C stops it`);
  output.line(output.dim(`  aether curl sv::${implementation}/\n`));
  const code = await stop.promise;
  if (service.connected) {
    output.line("\nStopping.");
    await http.close({ graceMs: DRAIN_MS });
    await service.disconnect();
  }
  output.event("stopped", { code });
  return code;
}
