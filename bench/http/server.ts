/** The answering server alone, as a control and behind proxies: `server.ts`. */
import { ready } from "../lib/ready.ts";
import { answer } from "./handler.ts";

ready(`http://127.0.0.1:${"Bun" in globalThis ? onBun() : onDeno()}`);

function onBun(): number {
  const { Bun } = globalThis as unknown as { Bun: { serve(options: unknown): { port: number } } };
  return Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: answer }).port;
}

function onDeno(): number {
  return (Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer).addr as Deno.NetAddr).port;
}
