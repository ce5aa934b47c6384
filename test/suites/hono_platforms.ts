import type { Hono } from "hono";
import type { UpgradeWebSocket } from "../../src/proxy/hono.ts";

/** A server on a port of its own. */
export interface Port extends AsyncDisposable {
  /** Its address, `http://…`. */
  readonly url: string;
}

/** What a runtime brings for Hono: its upgrade helper, and a port. */
export interface Platform {
  readonly upgradeWebSocket: UpgradeWebSocket;
  serve(app: Hono): Promise<Port>;
}

const LOCAL = { hostname: "127.0.0.1", port: 0 };

/** The platform of the runtime it runs on. */
export async function platformOf(runtime: string): Promise<Platform> {
  switch (runtime) {
    case "bun":
      return await onBun();
    case "deno":
      return await onDeno();
    default:
      return await onNode();
  }
}

async function onBun(): Promise<Platform> {
  const { upgradeWebSocket, websocket } = await import("hono/bun");
  const { Bun } = globalThis as unknown as {
    Bun: { serve(options: unknown): { port: number; stop(force: boolean): Promise<void> } };
  };
  return {
    upgradeWebSocket: upgradeWebSocket as unknown as UpgradeWebSocket,
    serve(app) {
      const server = Bun.serve({ ...LOCAL, fetch: app.fetch, websocket });
      const url = `http://127.0.0.1:${server.port}`;
      return Promise.resolve({ url, [Symbol.asyncDispose]: () => server.stop(true) });
    },
  };
}

async function onDeno(): Promise<Platform> {
  const { upgradeWebSocket } = await import("hono/deno");
  return {
    upgradeWebSocket: upgradeWebSocket as unknown as UpgradeWebSocket,
    serve(app) {
      const stop = new AbortController();
      const server = Deno.serve({ ...LOCAL, onListen: () => {}, signal: stop.signal }, app.fetch);
      return Promise.resolve({
        url: `http://127.0.0.1:${(server.addr as Deno.NetAddr).port}`,
        async [Symbol.asyncDispose]() {
          stop.abort();
          await server.finished;
        },
      });
    },
  };
}

async function onNode(): Promise<Platform> {
  const { serve, upgradeWebSocket } = await import("@hono/node-server");
  const { WebSocketServer } = await import("ws");
  return {
    upgradeWebSocket: upgradeWebSocket as unknown as UpgradeWebSocket,
    serve: (app) =>
      new Promise((resolve) => {
        const sockets = new WebSocketServer({ noServer: true });
        // The other tests of the process go on with the platform's own Request and Response.
        const options = { ...LOCAL, fetch: app.fetch, websocket: { server: sockets }, overrideGlobalObjects: false };
        const server = serve(options, ({ port }) => {
          resolve({
            url: `http://127.0.0.1:${port}`,
            async [Symbol.asyncDispose]() {
              for (const socket of sockets.clients) socket.terminate();
              await new Promise((closed) => server.close(closed));
            },
          });
        });
      }),
  };
}
