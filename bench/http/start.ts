/** Processes of the HTTP scenario: who answers, and who stands in front of it. */
import type { ChildProcess } from "node:child_process";
import { command, line, type Runtime } from "../lib/child.ts";
import type { Ready } from "../lib/ready.ts";
import { MODULES, type Presence, present } from "../peers/packages.ts";
import { node22 } from "../../tools/node22.mjs";

/** Who carries HTTP. */
export type Carrier = "ours" | "control" | "hono_proxy" | "http_proxy";

/** Fetches what is missing of http-proxy. */
export function prepare(): Presence {
  return present(node22(), ["http-proxy"], "http-proxy");
}

/** Starts them; `url` is what callers ask, followed by `#` and the gateway's address where there is one. */
export async function startHttp(
  carrier: Carrier,
  gateway: Runtime,
  launch: (words: string[]) => ChildProcess,
): Promise<Ready> {
  const said = async (words: string[]): Promise<Ready> => JSON.parse(await line(launch(words), "{")) as Ready;
  if (carrier === "ours") {
    const ready = await said([...command(gateway), "bench/gateway.ts", "memory"]);
    await said([...command("bun"), "bench/http/service.ts", ready.url]);
    return { ...ready, url: `${ready.url.replace("ws:", "http:")}/s/bench#${ready.url}` };
  }
  // What is in front is measured on the runtime of the gateway; what answers is the same behind each.
  if (carrier === "control") return await said([...command(gateway), "bench/http/server.ts"]);
  const { url } = await said([...command("bun"), "bench/http/server.ts"]);
  if (carrier === "hono_proxy") return await said([...command(gateway), "bench/http/hono_proxy.ts", url]);
  return await said([node22(), "bench/http/http_proxy.mjs", MODULES.pathname, url]);
}
