import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "../../base/ids.ts";
import { DEFAULT_LIMITS } from "../../protocol/limits.ts";
import type { Notice } from "../../protocol/ops.ts";
import type { NewTask, TaskOutcome } from "../../protocol/tasks.ts";
import { memoryStore } from "../../store/memory.ts";
import type { TaskRecord } from "../../store/store.ts";
import type { Core } from "../core.ts";
import { Counters } from "../counters.ts";
import type { Session } from "../session.ts";
import { TaskCreation } from "./creation.ts";
import { TaskEngine } from "./engine.ts";
import { encodeTask } from "./record.ts";

/** An engine over a store in memory, and one worker that takes everything. */
function world() {
  const store = memoryStore();
  const before: (() => void)[] = [];
  const errors: unknown[] = [];
  let now = Date.UTC(2026, 0, 1);
  const core = {
    clock: { now: () => now, timer: () => () => {} },
    random: seededRandom(1),
    logger: (level: string, ...words: unknown[]) => void (level === "error" && errors.push(words)),
    limits: DEFAULT_LIMITS,
    store,
    counters: new Counters(),
    beforeCommit: (run: () => void) => void before.push(run),
    commitSoon: () => {},
    wakeAt: () => {},
  } as unknown as Core;
  const engine = new TaskEngine(core);
  const creation = new TaskCreation(core, engine);
  const given: { taskId: string; attempt: number }[] = [];
  const session = {
    identity: { type: "agent", workspace: "w", implementation: "i", specifier: "s" },
    topic: "ag::w::i::s",
    workspace: "w",
    producer: "producer",
    connected: true,
    ended: false,
    notify: (notice: Notice) =>
      void (notice.name === "assignment" && given.push({ taskId: notice.body[0], attempt: notice.body[2] })),
  } as unknown as Session;
  const turn = (ms = 0): void => {
    now += ms;
    // What is due may make something due.
    for (let rounds = 0; engine.run(now) <= now && rounds < 100; rounds++);
    engine.dispatcher.serve();
    for (const run of before) run();
  };
  const make = (input: Partial<NewTask>): string => {
    const made = creation.create({ type: "t", payload: new Uint8Array(1), implementation: "i", ...input }, "me", "w");
    assert.ok(!(made instanceof Promise));
    return made.state.id;
  };
  const settle = (outcome: TaskOutcome): void => {
    for (const { taskId, attempt } of given.splice(0)) engine.settle(session, taskId, attempt, outcome);
  };
  return { store, engine, creation, core, session, turn, make, settle, given, errors };
}

test("nothing is remembered of tasks that are over: no alarm, key, dependency, part, limit, name, reader or pool", async () => {
  const { store, engine, session, turn, make, settle, errors } = world();
  engine.leases.announce(session, { workspace: "w", implementation: "i", slots: 1000, isAutoStart: true }, []);
  for (let n = 0; n < 300; n++) {
    const parent = make({
      type: `type${n}`,
      concurrency: { key: `k${n}`, perKey: 1 },
      deadlineMs: 1e9,
      timeoutMs: 1e8,
    });
    make({ parentTaskId: parent, dependsOn: [parent], rateLimit: { key: `r${n}`, perSecond: 10 } });
    make({ singleton: `s${n}`, dedupe: `d${n}`, debounce: { key: `b${n}`, ms: 10 }, priority: n % 101 });
    make({ idempotencyKey: `i${n}`, runAt: Date.UTC(2027, 0, 1), payload: new Uint8Array(2000) });
    engine.cancel(engine.live(make({ runAt: Date.UTC(2030, 0, 1), deadlineMs: 1e12 }))!, "enough");
  }
  turn(20);
  settle({ kind: "waiting", wait: { for: "hibernation", wakeOnEvents: ["e"], timeoutMs: 1e9 } });
  turn();
  engine.waits.wakeOn("w", ["e"]);
  assert.equal(engine.waits.hasSleepers, false);
  turn();
  settle({ kind: "failed", error: { name: "E", message: "m" }, isRetryable: false });
  turn(1000);
  for (let left = 20; engine.size > 0 && left > 0; left--) {
    turn(366 * 24 * 3600_000 / 4);
    settle({ kind: "completed" });
  }
  turn();
  assert.deepEqual(errors, []);
  assert.equal(engine.size, 0);
  assert.equal(engine.alarms, 0);
  Object.assign(session, { ended: true, connected: false });
  engine.lost(session, true);
  engine.sweep();
  assert.equal(engine.dispatcher.size, 0, "pools");
  store.kv.expire(Date.UTC(2040, 0, 1), Infinity);
  turn(DEFAULT_LIMITS.taskRetentionMs);
  while (engine.expire(100) > 0);
  assert.deepEqual(store.tasks.list(undefined, 1), []);
  for (const space of ["tp", "tr", "ti"]) assert.equal(store.kv.count(space), 0, space);
  await engine.load();
  assert.equal(engine.size, 0);
});

test("what was forgotten changes nothing any more, whoever still has it in hand", () => {
  const { store, engine, turn, make } = world();
  const task = engine.live(make({}))!;
  turn();
  engine.forget();
  assert.equal(engine.cancel(task, "late"), false);
  assert.equal(task.state.status, "pending");
  turn();
  assert.deepEqual([...(store.tasks.alive() as Iterable<TaskRecord>)].map(({ id }) => id), [task.state.id]);
});

// An attempt that left was noted after the next one had been given out in its place. When the clock moved on between the two,
// the stories of tasks said that more had run at once than may.
test("who leaves has left before the next one enters, in their stories too", async () => {
  const { engine, core, session, turn, make, settle } = world();
  engine.leases.announce(session, { workspace: "w", implementation: "i", slots: 10, isAutoStart: true }, []);
  let at = core.clock.now();
  Object.assign(core.clock, { now: () => ++at });
  const states = [1, 2].map(() => engine.live(make({ concurrency: { total: 1 } }))!.state);
  turn();
  settle({ kind: "completed" });
  const stories = await Promise.all(states.map(async (state) => (await engine.events.read(state, 0)).events));
  const momentOf = (story: number, status: string): number =>
    stories[story].find((event) => event.type === "status" && event.status === status)!.at;
  assert.ok(momentOf(0, "completed") < momentOf(1, "assigned"), "the second entered before the first had left");
});

const large = new Uint8Array(5000).fill(7);
const small = new Uint8Array(10).fill(7);
const recordOf = (store: ReturnType<typeof world>["store"], id: string): TaskRecord | undefined =>
  store.tasks.get(id) as TaskRecord | undefined;

test("a task that is over and lives again within one turn keeps its payload", async () => {
  const { store, engine, creation, session, turn, make } = world();
  const id = make({ payload: small });
  turn();
  // Not written since the start: all of it is going to be.
  await engine.load();
  engine.leases.announce(session, { workspace: "w", implementation: "i", slots: 1, isAutoStart: true }, []);
  const { state } = engine.live(id)!;
  engine.cancel(engine.live(id)!, "enough");
  await creation.redrive(state, {});
  turn();
  assert.deepEqual([...recordOf(store, id)!.payload!], [...small]);
  assert.equal(engine.size, 1);
});

test("of two who retry a task at once the second hears that it lives, and nothing else is forgotten", async () => {
  const { engine, creation, turn, make } = world();
  const [id, other] = [make({ payload: small }), make({ payload: small })];
  engine.cancel(engine.live(id)!, "enough");
  turn();
  const found = [await engine.find(id), await engine.find(id)];
  engine.cancel(engine.live(other)!, "enough");
  await creation.redrive(found[0]!, {});
  assert.throws(() => creation.redrive(found[1]!, {}), { name: "ConflictError", message: /it is pending/ });
  turn();
  assert.equal(engine.size, 1);
  assert.equal(engine.now(other), undefined, "it is kept, and not in memory");
});

test("what lives again is not dropped with what has been over for long", async () => {
  const { store, engine, creation, turn, make } = world();
  const id = make({ payload: large });
  engine.cancel(engine.live(id)!, "enough");
  turn();
  const state = (await engine.find(id))!;
  turn(DEFAULT_LIMITS.taskRetentionMs);
  await creation.redrive(state, {});
  assert.equal(engine.expire(100), 0);
  turn();
  assert.equal(recordOf(store, id)!.overAt, 0);
  assert.equal((await engine.shelf.payload(engine.live(id)!.state)).length, large.length);
});

test("a large payload of version 1, whose record does not say where it is, is found", async () => {
  const { store, engine, creation, turn, make } = world();
  const [id, gone] = [make({ payload: large }), make({ payload: large })];
  engine.cancel(engine.live(gone)!, "enough");
  turn();
  for (const [one, overAt] of [[id, 0], [gone, 5e15]] as const) {
    const made = encodeTask({ ...(await engine.find(one))!, isPayloadApart: undefined }).slice();
    store.tasks.put({ id: one, made, payload: undefined, state: undefined, overAt });
  }
  await engine.load();
  assert.equal((await engine.shelf.payload(engine.live(id)!.state)).length, large.length);
  await creation.redrive((await engine.find(gone))!, {});
  turn();
  assert.equal((await engine.shelf.payload(engine.live(gone)!.state)).length, large.length);
});
