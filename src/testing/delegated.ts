// edge: no Deno, Bun, node: or cloudflare: names
import type { Gateway } from "../gateway/gateway.ts";
import { LINK } from "../session/link.ts";

/** A gateway that does some things in a way of its own, and leaves the rest to another. */
export function delegated(gateway: Gateway, own: Partial<Gateway>): Gateway {
  const made: Gateway = {
    limits: gateway.limits,
    loopbackOnly: gateway.loopbackOnly,
    [LINK]: gateway[LINK],
    opened: (transport, options) => gateway.opened(transport, options),
    fetch: (request) => gateway.fetch(request),
    dial: (carry) => gateway.dial(carry),
    sessions: () => gateway.sessions(),
    disconnect: (id, reason) => gateway.disconnect(id, reason),
    close: (options) => gateway.close(options),
    [Symbol.asyncDispose]: () => made.close(),
    ...own,
  };
  return made;
}
