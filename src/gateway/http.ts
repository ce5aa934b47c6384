// edge: no Deno, Bun, node: or cloudflare: names
import { Hono } from "hono";
import { CONNECT_PATH, SUBPROTOCOL } from "../protocol/limits.ts";
import { VERSION } from "../protocol/version.ts";
import { type Ingress, INGRESS_PATH } from "./ingress.ts";

/** What the HTTP app asks the gateway. */
export interface Health {
  /** Why it is not ready, or undefined when it is. */
  notReady(): string | undefined;
  /** Prometheus text. */
  metrics(): string;
}

/** The gateway's HTTP side: health, readiness, version, metrics, and a word to those who come to /v1/connect without WebSocket. */
export function httpApp(health: Health, ingress?: Ingress): Hono {
  const app = new Hono();
  app.get("/healthz", (c) => c.json({ status: "ok" }));
  app.get("/readyz", (c) => {
    const reason = health.notReady();
    return reason ? c.json({ status: "not ready", reason }, 503) : c.json({ status: "ready" });
  });
  app.get("/version", (c) => c.json({ name: "aether-edge", version: VERSION, protocol: SUBPROTOCOL }));
  app.get(
    "/metrics",
    (c) => c.text(health.metrics(), 200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" }),
  );
  if (ingress) app.all(`${INGRESS_PATH}/:implementation/*`, (c) => ingress.handle(c));
  app.get(
    CONNECT_PATH,
    (c) =>
      c.text(`Connect here by WebSocket with subprotocol ${SUBPROTOCOL}\n`, 426, {
        upgrade: "websocket",
        connection: "Upgrade",
      }),
  );
  return app;
}
