// edge: no Deno, Bun, node: or cloudflare: names
import type { WireError } from "../protocol/error_wire.ts";
import { decodeStructured, encodeStructured } from "../protocol/structured.ts";
import type { TaskAssignment } from "../protocol/task_assignment.ts";
import type { RevokeKind, TaskOutcome } from "../protocol/tasks.ts";

/** Carries bytes between a pool and one of its isolates, whatever that is made of. */
export interface Port {
  /** Sends; in order. */
  post(bytes: Uint8Array): void;
  /** Sets who takes what comes. */
  listen(take: (bytes: Uint8Array) => void): void;
}

/**
 * What was said so many ms ago and not begun is not begun without asking: something kept the isolate's loop from turning,
 * and the pool may have given it to another. The pool does so later than that, so that one of the two knows.
 */
export const LATE_MS = 500;

/** A task as an isolate names it. */
export interface GuestTask {
  type: string;
  implementation?: string;
}

/** What a pool tells an isolate. */
export type ToGuest =
  /** The `number` grows by one; `at` is when it was said, ms since epoch. */
  | { kind: "run"; number: number; at: number; assignment: TaskAssignment }
  /** Whether what was claimed is still wanted. */
  | { kind: "go"; number: number; isWanted: boolean }
  | { kind: "abort"; taskId: string; attempt: number; why: RevokeKind; reason: string }
  | { kind: "answer"; id: number; output?: unknown; error?: WireError }
  | { kind: "end" };

/** What an isolate tells its pool. */
export type ToHost =
  | { kind: "ready"; tasks: GuestTask[] }
  /** It cannot work: the module is missing, throws or has no tasks. */
  | { kind: "unfit"; message: string }
  /** All up to this number were begun, or claimed; said only where there is no quicker way. */
  | { kind: "begun"; number: number }
  /** This one has waited so long that it may have been given to another isolate. */
  | { kind: "claim"; number: number }
  | { kind: "outcome"; taskId: string; attempt: number; outcome: TaskOutcome }
  | { kind: "call"; id: number; op: string; input: unknown; timeoutMs?: number; workspace?: string }
  | { kind: "cancel"; id: number }
  | { kind: "report"; message: string }
  /** It is alive, its loop turns, and so many bytes are in use. */
  | { kind: "pulse"; bytes: number };

/** Deep enough for anything a handler may put into a call, and what is around it here. */
const DEPTH = 64;

/** Says and hears messages: all of a turn travel together, because each trip has its price. */
export class Line<Out extends { kind: string }, In extends { kind: string }> {
  readonly #port: Port;
  #waiting: Out[] = [];

  constructor(port: Port, take: (message: In) => void) {
    this.#port = port;
    port.listen((bytes) => {
      for (const message of decodeStructured(bytes, DEPTH) as In[]) take(message);
    });
  }

  /** Says it at the end of the turn, or at once. */
  say(message: Out, isUrgent = false): void {
    this.#waiting.push(message);
    if (isUrgent) this.#flush();
    else if (this.#waiting.length === 1) queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    const messages = this.#waiting;
    if (messages.length === 0) return;
    this.#waiting = [];
    this.#port.post(encodeStructured(messages, DEPTH));
  }
}
