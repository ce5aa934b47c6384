import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AuthenticationError, ConnectionError, DuplicateIdentityError } from "../errors.ts";
import { type ReconnectPolicy, type SessionEvent, type SessionState, step } from "./state.ts";

const policy: ReconnectPolicy = {
  enabled: true,
  initialMs: 1000,
  maxMs: 30_000,
  multiplier: 2,
  maxRetries: 4,
  onDuplicate: false,
  onDuplicateDelayMs: 5000,
  onDuplicateMaxAttempts: 2,
};
const broken = new ConnectionError("broken");
const failed = (error = broken): SessionEvent => ({ kind: "failed", error, class: "retry" });

/** Runs events; returns the last state and every effect's kind. */
function run(events: SessionEvent[], own: Partial<ReconnectPolicy> = {}): [SessionState, string[]] {
  let state: SessionState = { kind: "idle" };
  const kinds: string[] = [];
  for (const event of events) {
    const [next, effects] = step(state, event, { ...policy, ...own }, 0.5);
    state = next;
    kinds.push(...effects.map(({ kind }) => kind));
  }
  return [state, kinds];
}
const ready: SessionEvent[] = [{ kind: "connect" }, { kind: "opened" }, { kind: "welcomed" }];

test("a first connect that fails is not retried", () => {
  assert.deepEqual(run([{ kind: "connect" }, failed()])[0], { kind: "closed", error: broken });
});

test("what was ready is retried, with growing waits, until the attempts are used up", () => {
  const events = [...ready];
  for (let attempt = 0; attempt < 5; attempt++) events.push(failed(), { kind: "due" });
  const [state] = run(events);
  assert.equal(state.kind, "closed");
  assert.equal((state as { error: Error }).error.name, "ReconnectionError");
});

test("attempts count from one again only after a stable time", () => {
  const flap: SessionEvent[] = [failed(), { kind: "due" }, { kind: "opened" }, { kind: "welcomed" }];
  assert.equal((run([...ready, ...flap, ...flap, failed()])[0] as { attempt: number }).attempt, 3);
  assert.equal((run([...ready, ...flap, ...flap, { kind: "stable" }, failed()])[0] as { attempt: number }).attempt, 1);
});

test("the gateway's retryAfterMs is obeyed, and terminal closes are final", () => {
  const [, effects] = step(
    { kind: "ready", attempt: 0, established: true },
    failed(new ConnectionError("busy", { retryAfterMs: 99_000 })),
    policy,
    0.5,
  );
  assert.equal((effects[1] as { ms: number }).ms, 99_000);
  const denied: SessionEvent = { kind: "failed", error: new AuthenticationError("no"), class: "terminal" };
  assert.equal(run([...ready, failed(), { kind: "due" }, { kind: "opened" }, denied])[0].kind, "closed");
});

test("a taken identity is waited for only when asked to, and only so often", () => {
  const taken = failed(new DuplicateIdentityError("ag::a::b::c"));
  const again: SessionEvent[] = [taken, { kind: "due" }];
  assert.equal(run([{ kind: "connect" }, taken])[0].kind, "closed");
  assert.equal(run([{ kind: "connect" }, taken], { onDuplicate: true })[0].kind, "waiting");
  assert.equal(run([{ kind: "connect" }, ...again, ...again, taken], { onDuplicate: true })[0].kind, "closed");
});

test("whatever happens: it dials only to connect, waits only after being ready, and disconnect always ends it", () => {
  const event = fc.oneof(
    ...(["connect", "opened", "welcomed", "due", "stable", "ended"] as const).map((kind) =>
      fc.constant<SessionEvent>({ kind })
    ),
    fc.constant(failed()),
    fc.constant<SessionEvent>({ kind: "failed", error: new AuthenticationError("no"), class: "terminal" }),
  );
  fc.assert(
    fc.property(
      fc.array(event, { maxLength: 40 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (events, random) => {
        let state: SessionState = { kind: "idle" };
        let wasReady = false;
        for (const next of events) {
          const [after, effects] = step(state, next, policy, random);
          for (const effect of effects) {
            if (effect.kind === "dial") assert.equal(after.kind, "connecting");
            if (effect.kind === "wait") assert.ok(wasReady && effect.ms <= policy.maxMs);
            if (effect.kind === "end") assert.equal(after.kind, "closed");
          }
          wasReady ||= after.kind === "ready";
          state = after;
        }
        const [first] = step(state, { kind: "disconnect" }, policy, random);
        const [last] = step(first, { kind: "ended" }, policy, random);
        assert.ok(last.kind === "closed" || last.kind === "idle");
      },
    ),
  );
});
