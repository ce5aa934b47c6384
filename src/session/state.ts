// edge: no Deno, Bun, node: or cloudflare: names
import { backoffMs, type BackoffPolicy } from "../base/backoff.ts";
import { type AetherError, DuplicateIdentityError, ReconnectionError } from "../errors.ts";
import type { CloseClass } from "../protocol/close_codes.ts";

/** The states a client goes through, as users see them. */
export type ConnectionState = "idle" | "connecting" | "authenticating" | "ready" | "draining" | "waiting" | "closed";

/** State of a client's connection. `attempt` counts tries since it was last stable; `established` says it was ready before. */
export type SessionState =
  | { kind: "idle" }
  | { kind: "connecting" | "authenticating" | "ready" | "waiting"; attempt: number; established: boolean }
  | { kind: "draining" }
  | { kind: "closed"; error?: AetherError };

/** What can happen to it. */
export type SessionEvent =
  | { kind: "connect" }
  | { kind: "opened" }
  | { kind: "welcomed" }
  | { kind: "failed"; error: AetherError; class: CloseClass }
  | { kind: "due" }
  | { kind: "stable" }
  | { kind: "disconnect" }
  | { kind: "ended" };

/** What the shell has to do. */
export type SessionEffect =
  | { kind: "dial" }
  | { kind: "lost"; error: AetherError }
  | { kind: "wait"; ms: number; attempt: number }
  | { kind: "goodbye" }
  | { kind: "end"; error?: AetherError };

/** How a client reconnects. */
export interface ReconnectPolicy extends BackoffPolicy {
  /** Whether at all, after a connection that was ready. */
  enabled: boolean;
  /** Attempts before giving up; 0 for no end. */
  maxRetries: number;
  /** Whether to wait for a taken identity. */
  onDuplicate: boolean;
  /** How long between such attempts, in ms. */
  onDuplicateDelayMs: number;
  /** How many such attempts. */
  onDuplicateMaxAttempts: number;
}

const TERMINAL: readonly CloseClass[] = ["terminal", "replaced"];

/**
 * The client's connection as a pure function: state and event in, state and effects out. No timer, no socket.
 * A first connect fails at once; only what was ready before is retried (but for a taken identity, if asked to).
 */
export function step(
  state: SessionState,
  event: SessionEvent,
  policy: ReconnectPolicy,
  random: number,
): [SessionState, SessionEffect[]] {
  switch (event.kind) {
    case "connect":
      if (state.kind !== "idle" && state.kind !== "closed") return [state, []];
      return [{ kind: "connecting", attempt: 0, established: false }, [{ kind: "dial" }]];
    case "opened":
      return state.kind === "connecting" ? [{ ...state, kind: "authenticating" }, []] : [state, []];
    case "welcomed":
      return state.kind === "authenticating" ? [{ ...state, kind: "ready", established: true }, []] : [state, []];
    case "stable":
      return state.kind === "ready" ? [{ ...state, attempt: 0 }, []] : [state, []];
    case "due":
      return state.kind === "waiting" ? [{ ...state, kind: "connecting" }, [{ kind: "dial" }]] : [state, []];
    case "disconnect":
      if (state.kind === "ready") return [{ kind: "draining" }, [{ kind: "goodbye" }]];
      if (state.kind === "idle" || state.kind === "closed" || state.kind === "draining") return [state, []];
      return [{ kind: "closed" }, [{ kind: "end" }]];
    case "ended":
      return state.kind === "draining" ? [{ kind: "closed" }, [{ kind: "end" }]] : [state, []];
    case "failed":
      return failed(state, event.error, event.class, policy, random);
  }
}

function failed(
  state: SessionState,
  error: AetherError,
  closeClass: CloseClass,
  policy: ReconnectPolicy,
  random: number,
): [SessionState, SessionEffect[]] {
  if (state.kind === "draining") return [{ kind: "closed" }, [{ kind: "end" }]];
  if (state.kind !== "connecting" && state.kind !== "authenticating" && state.kind !== "ready") return [state, []];
  const lost: SessionEffect[] = state.kind === "ready" ? [{ kind: "lost", error }] : [];
  const attempt = state.attempt + 1;
  const end = (
    why: AetherError,
  ): [SessionState, SessionEffect[]] => [{ kind: "closed", error: why }, [...lost, { kind: "end", error: why }]];
  const wait = (ms: number): [SessionState, SessionEffect[]] => [
    { kind: "waiting", attempt, established: state.established },
    [...lost, { kind: "wait", ms, attempt }],
  ];
  if (error instanceof DuplicateIdentityError) {
    if (!policy.onDuplicate || attempt > policy.onDuplicateMaxAttempts) return end(error);
    return wait(Math.max(policy.onDuplicateDelayMs, error.retryAfterMs ?? 0));
  }
  if (!state.established || !policy.enabled || TERMINAL.includes(closeClass)) return end(error);
  if (policy.maxRetries > 0 && attempt > policy.maxRetries) {
    return end(new ReconnectionError(attempt - 1, { cause: error }));
  }
  return wait(Math.max(backoffMs(attempt, policy, random), error.retryAfterMs ?? 0));
}
