// edge: no Deno, Bun, node: or cloudflare: names
import { InvalidArgumentError } from "../errors.ts";
import type { Clock, EndOfTurn } from "../base/clock.ts";
import type { Random } from "../base/ids.ts";
import type { Logger } from "../base/logger.ts";
import { DEFAULT_LIMITS, type Limits } from "../protocol/limits.ts";
import type { Store } from "../store/store.ts";
import type { Authenticator } from "./auth.ts";
import type { IngressOptions } from "./ingress.ts";

/** Options of `createGateway`. */
export interface GatewayOptions {
  /** Where it keeps things. */
  store: Store;
  /** Who may connect; `allowAll()` for development. */
  auth: Authenticator;
  /** Hears what happens; says nothing by default. */
  logger?: Logger;
  /** Where time comes from. */
  clock?: Clock;
  /** Where chance comes from. */
  random?: Random;
  /** Changed limits. */
  limits?: Partial<Limits>;
  /** Services that are shown at `/s/<implementation>/…` of its HTTP app; none by default. */
  ingress?: IngressOptions;
  /** When frames of a turn leave; the platform's end of turn by default. */
  endOfTurn?: EndOfTurn;
}

/**
 * Makes sure of what a gateway is given.
 * @throws {InvalidArgumentError} for what is missing, or a limit that is none
 */
export function checkOptions(options: GatewayOptions): void {
  if (!options?.store) {
    throw new InvalidArgumentError("Cannot make a gateway without a store: give memoryStore() or another", "store");
  }
  if (!options.auth) {
    throw new InvalidArgumentError(
      "Cannot make a gateway without auth: give allowAll(), tokenAuth({ … }) or your own",
      "auth",
    );
  }
  for (const [name, value] of Object.entries(options.limits ?? {})) {
    if (!(name in DEFAULT_LIMITS) || typeof value !== "number" || !(value > 0)) {
      throw new InvalidArgumentError(
        `Cannot set limit ${name} to ${value}: known limits take a positive number`,
        `limits.${name}`,
      );
    }
  }
}
