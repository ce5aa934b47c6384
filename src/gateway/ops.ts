// edge: no Deno, Bun, node: or cloudflare: names
import { InvalidArgumentError, QuotaError, UnimplementedError } from "../errors.ts";
import type { OpInput, OpName, OpOutput } from "../protocol/ops.ts";
import { decodeStructured } from "../protocol/structured.ts";
import type { MaybePromise } from "../store/store.ts";
import type { Core } from "./core.ts";
import type { Session } from "./session.ts";

/** One operation: what may go in, and what it does. Its changes are durable before its output leaves. */
export interface Op<Name extends OpName> {
  /** Checks what a stranger sent. @throws {InvalidArgumentError} naming the field at fault */
  check(input: unknown): OpInput<Name>;
  /**
   * Does it.
   * @param waiting makes a signal that aborts when the caller does not wait any more; for what may take long
   */
  run(session: Session, input: OpInput<Name>, waiting: () => AbortSignal): MaybePromise<OpOutput<Name>>;
}

/** Some operations that belong together. */
export interface OpGroup {
  readonly ops: { readonly [Name in OpName]?: Op<Name> };
}

/** The operations a gateway offers. */
export class Ops {
  readonly #core: Core;
  readonly #ops = new Map<string, Op<OpName>>();

  constructor(core: Core, groups: readonly OpGroup[]) {
    this.#core = core;
    for (const { ops } of groups) {
      for (const [name, op] of Object.entries(ops)) this.#ops.set(name, op as unknown as Op<OpName>);
    }
  }

  /** Does what a call frame asks for. Every call gets exactly one reply, unless it is cancelled. */
  call(session: Session, id: number, bytes: Uint8Array): void {
    const { calls } = session;
    calls.requireNew(id);
    const { structuredBytes, structuredDepth, pendingRequests } = this.#core.limits;
    if (bytes.length > structuredBytes) return this.#refuse(session, id, tooLarge(bytes.length, structuredBytes));
    // Bytes that cannot be read end the connection; what can be read and is wrong is answered.
    const body = decodeStructured(bytes, structuredDepth) as { op?: unknown; in?: unknown } | null;
    try {
      if (typeof body?.op !== "string") throw new InvalidArgumentError("Cannot take a call: op is no text", "op");
      const name = body.op.slice(0, 64);
      const op = this.#ops.get(name);
      if (!op) throw new UnimplementedError(`No operation "${name}" is offered here`);
      if (calls.size >= pendingRequests) {
        throw new QuotaError(`Cannot ${name}: ${calls.size} calls are open, at most ${pendingRequests} may be`, {
          details: { limit: pendingRequests, current: calls.size },
          retryAfterMs: 100,
        });
      }
      this.#core.counters.calls++;
      let signal: AbortSignal | undefined;
      const output = op.run(session, op.check(body?.in ?? {}), () => (signal ??= calls.open(id)));
      if (!(output instanceof Promise)) {
        calls.answer(id, output);
        return this.#core.done();
      }
      const wait = signal ??= calls.open(id);
      output.then((value) => wait.aborted || calls.answer(id, value))
        .catch((error) => wait.aborted || this.#refuse(session, id, error));
    } catch (error) {
      this.#refuse(session, id, error);
    }
  }

  #refuse(session: Session, id: number, error: unknown): void {
    if (!(error instanceof InvalidArgumentError)) {
      this.#core.logger("debug", "call.refused", { topic: session.topic, error: String(error) });
    }
    session.calls.refuse(id, error);
  }
}

function tooLarge(current: number, limit: number): InvalidArgumentError {
  return new InvalidArgumentError(`Cannot take a call of ${current} bytes: at most ${limit} are allowed`, "in", {
    details: { limit, current },
  });
}
