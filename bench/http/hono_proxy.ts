/** A proxy by `hono/proxy`: `hono_proxy.ts <upstream>`. */
import process from "node:process";
import { Hono } from "hono";
import { proxy } from "hono/proxy";
import { ready } from "../lib/ready.ts";

const [upstream] = process.argv.slice(2);
const app = new Hono().all("/*", (c) => proxy(`${upstream}${c.req.path}`, c.req.raw));
ready(`http://127.0.0.1:${"Bun" in globalThis ? onBun() : onDeno()}`);

function onBun(): number {
  const { Bun } = globalThis as unknown as { Bun: { serve(options: unknown): { port: number } } };
  return Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: app.fetch }).port;
}

function onDeno(): number {
  return (Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, app.fetch).addr as Deno.NetAddr).port;
}
