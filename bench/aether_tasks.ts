/** What our workers do. A module of its own, since isolates load it by its URL. */
import { type DefinedTask, defineTask } from "@aether-edge/sdk/worker";

/** The pool that does them. */
export const POOL = "pool";

let begun = (): void => {};

/** Hears when {@link hold} begins. */
export function onHold(handler: () => void): void {
  begun = handler;
}

/** Gives back what it was given. */
export const echo: DefinedTask<Uint8Array, Uint8Array> = defineTask({
  type: "echo",
  implementation: POOL,
  run: (bytes: Uint8Array) => bytes,
});

/** Does not end by itself. */
export const hold: DefinedTask<Uint8Array, void> = defineTask({
  type: "hold",
  implementation: POOL,
  run: (_: Uint8Array, { signal }) => {
    begun();
    return new Promise<void>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  },
});
