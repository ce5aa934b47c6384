import fc from "fast-check";
import type { KvChange, KvRecord, Store, TaskRecord } from "../../src/store/store.ts";
import type { Case } from "../harness.ts";
import { equal } from "./assert.ts";
import type { Shelf } from "./store_case.ts";
import { memoryShelf } from "./store_contract.ts";
import { StoreModel } from "./store_model.ts";
import { smallShelf } from "./store_shelf.ts";

const IDS = 4;
const lane = fc.constantFrom("a", "a\0", "b", "c", "\u{10000}");
const who = fc.constantFrom("x", "y\0", "z");
/** Some are called like a lane. */
const consumer = fc.constantFrom("x", "y\0", "a", "a\0");
const key = fc.constantFrom("", "a", "a/1", "a/2", "a0", "\uffff", "\u{10000}");
const prefix = fc.constantFrom("", "a", "a/", "\uffff", "b");
const some = fc.integer({ min: 0, max: 12 });
const few = fc.integer({ min: 1, max: 4 });

/** One call, as data: its name and what it is given; time is the number of the call. */
const call = fc.oneof(
  { weight: 12, arbitrary: fc.tuple(fc.constant("append" as const), lane, fc.integer({ min: 0, max: 40 })) },
  { weight: 4, arbitrary: fc.tuple(fc.constant("trim" as const), lane, some) },
  { weight: 4, arbitrary: fc.tuple(fc.constant("remove" as const), lane, some) },
  { weight: 4, arbitrary: fc.tuple(fc.constant("commit" as const), lane, consumer, some) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("expireLog" as const), some) },
  { weight: 4, arbitrary: fc.tuple(fc.constant("remember" as const), key) },
  { weight: 4, arbitrary: fc.tuple(fc.constant("advance" as const), who, some) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("expireDedupe" as const), some) },
  { weight: 8, arbitrary: fc.tuple(fc.constant("put" as const), who, key, fc.integer({ min: 0, max: 2 }), some) },
  { weight: 4, arbitrary: fc.tuple(fc.constant("delete" as const), who, key, fc.boolean()) },
  { weight: 3, arbitrary: fc.tuple(fc.constant("purge" as const), who, key) },
  { weight: 3, arbitrary: fc.tuple(fc.constant("get" as const), who, key) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("expireKv" as const), few) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("forget" as const), some, few) },
  { weight: 6, arbitrary: fc.tuple(fc.constant("look" as const), lane, some, few) },
  {
    weight: 4,
    arbitrary: fc.tuple(fc.constant("list" as const), who, prefix, fc.option(key, { nil: undefined }), few),
  },
  { weight: 4, arbitrary: fc.tuple(fc.constant("changes" as const), who, prefix, some, few) },
  { weight: 8, arbitrary: fc.tuple(fc.constant("putTask" as const), key, fc.boolean(), fc.boolean()) },
  { weight: 8, arbitrary: fc.tuple(fc.constant("changeTask" as const), key, fc.boolean(), fc.boolean()) },
  { weight: 3, arbitrary: fc.tuple(fc.constant("task" as const), key) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("listTasks" as const), fc.option(key, { nil: undefined }), few) },
  { weight: 3, arbitrary: fc.tuple(fc.constant("expireTasks" as const), some, few) },
  { weight: 8, arbitrary: fc.tuple(fc.constant("flush" as const)) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("reopen" as const)) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("break" as const), fc.integer({ min: 0, max: 8 })) },
);
type Call = typeof call extends fc.Arbitrary<infer T> ? T : never;

const plain = (record: KvRecord | undefined): unknown =>
  record && [record.key, [...record.value], record.revision, record.expiresAt, record.kind];
const taskOf = (task: TaskRecord | undefined): unknown =>
  task && [task.id, [...task.made], [...task.payload ?? []], [...task.state ?? []], task.overAt];
const told = (changes: KvChange[]): unknown => changes.map((one) => [one.key, plain(one.record), one.revision]);

/** Does a call to both, and compares what they say. Calls that change something return nothing more. */
async function step(store: Store, model: StoreModel, [name, ...args]: Call, now: number): Promise<void> {
  const { log, dedupe, kv, tasks } = store;
  // deno-lint-ignore no-explicit-any
  const [a, b, c, d] = args as any[];
  const value = Uint8Array.of(now & 255, now >> 8);
  switch (name) {
    case "append":
      return equal(log.append(a, new Uint8Array(b).fill(now), now, 0), model.append(a, b, now), "sequence");
    case "trim":
      return log.trim(a, b), model.trim(a, b);
    case "remove":
      return log.remove(a, b), model.remove(a, b);
    case "commit":
      return log.commit(a, b, c, now), model.commit(a, b, c, now);
    case "expireLog":
      return equal(log.expire(now - a * 4, 1000), model.expireLog(now - a * 4), "records gone");
    case "remember":
      return dedupe.remember(a, now, now), model.remember(a, now, now);
    case "advance":
      return dedupe.advance(a, b + (now >> 3), now), model.advance(a, b + (now >> 3), now);
    case "expireDedupe":
      return dedupe.expire(now - a * 4), model.expireDedupe(now - a * 4);
    case "put": {
      const expected = [undefined, 0, model.get(a, b, now * 1000)?.revision ?? 1][c as number];
      // Ends are unlike each other: which of two equal ones comes first is not said.
      const write = { now: now * 1000, kind: d, expected, expiresAt: d > 3 ? (now + (d > 6 ? d : 1)) * 1000 + now : 0 };
      return equal(await kv.put(a, b, value, write), model.put(a, b, value, write), "revision");
    }
    case "delete": {
      const expected = c ? model.get(a, b, now * 1000)?.revision : undefined;
      return equal(await kv.delete(a, b, now * 1000, expected), model.delete(a, b, now * 1000, expected), "revision");
    }
    case "get":
      equal(plain(await kv.get(a, b, now * 1000)), plain(model.get(a, b, now * 1000)), "record");
      return equal(await kv.count(a), model.count(a), "count");
    case "purge":
      return await kv.purge(a, b), model.purge(a, b);
    case "expireKv":
      return equal(kv.expire(now * 1000, a), model.expireKv(now * 1000, a), "expired");
    case "forget":
      return equal(kv.forget(now * 1000 - a * 4000, b), model.forget(now * 1000 - a * 4000, b), "forgotten");
    case "look":
      equal((await log.read(a, b, c)).map((r) => [r.sequence, r.at, r.bytes.length]), model.read(a, b, c), "read");
      return equal(log.extent(a), model.extent(a), "extent");
    case "list":
      equal((await kv.list(a, b, c, d, now * 1000)).map(plain), model.list(a, b, c, d, now * 1000).map(plain), "list");
      return equal(kv.nextExpiry(), model.nextExpiry(), "next end");
    case "putTask": {
      const task = { id: a, made: value, payload: b ? value : undefined, state: undefined, overAt: c ? now : 0 };
      return tasks.put(task), model.putTask(task);
    }
    case "changeTask":
      if (model.task(a)) tasks.change(a, value, b ? now : 0, c), model.changeTask(a, value, b ? now : 0, c);
      return;
    case "task":
      return equal(taskOf(await tasks.get(a)), taskOf(model.task(a)), "task");
    case "listTasks":
      return equal((await tasks.list(a, b)).map(taskOf), model.listTasks(a, b).map(taskOf), "tasks");
    case "expireTasks":
      return equal(tasks.expire(now - a, b), model.expireTasks(now - a, b), "tasks expired");
    case "changes": {
      const after = Math.max(0, now - c * 8);
      return equal(told(await kv.changes(a, b, after, d)), told(model.changes(a, b, after, d)), "changes");
    }
  }
}

/** Everything that can be asked. */
async function same(store: Store, model: StoreModel, now: number): Promise<void> {
  for (const name of ["a", "a\0", "b", "c", "\u{10000}", "nowhere"]) {
    equal(store.log.extent(name), model.extent(name), `extent of ${name}`);
    const records = (await store.log.read(name, 0, 99)).map((r) => [r.sequence, r.at, r.bytes.length]);
    equal(records, model.read(name, 0, 99), `records of ${name}`);
    equal(store.log.lowestCursor(name), model.lowestCursor(name), `lowest cursor of ${name}`);
    for (const consumer of ["x", "y\0", "a", "a\0"]) {
      equal(await store.log.cursor(name, consumer), model.cursor(name, consumer), `cursor of ${name} ${consumer}`);
    }
  }
  for (const id of ["", "a", "a/1", "a/2", "a0", "\uffff", "\u{10000}"]) {
    equal(store.dedupe.seen(id), model.seen(id), `id ${id}`);
  }
  for (const space of ["x", "y\0", "z"]) {
    equal(store.dedupe.producer(space), model.producer(space), `producer ${space}`);
    equal(told(await store.kv.changes(space, "", 0, 99)), told(model.changes(space, "", 0, 99)), `changes of ${space}`);
    const list = (await store.kv.list(space, "", undefined, 99, now)).map(plain);
    equal(list, model.list(space, "", undefined, 99, now).map(plain), `list of ${space}`);
    equal([await store.kv.count(space), await store.kv.forgotten(space)], [model.count(space), model.forgotten(space)]);
  }
  equal(store.kv.nextExpiry(), model.nextExpiry(), "next end");
  equal((await store.tasks.list(undefined, 99)).map(taskOf), model.listTasks(undefined, 99).map(taskOf), "tasks");
  const living = model.tasks.filter(({ overAt }) => overAt === 0);
  equal([...await store.tasks.alive()].map(taskOf), living.map(taskOf), "living tasks");
}

type Breakable = Shelf & { readonly driver?: { healthy: number; words: string }; now?: number };

async function play(shelf: Breakable, calls: Call[]): Promise<void> {
  const model = new StoreModel(IDS);
  let store = shelf.open();
  let now = 100;
  /** What became of this turn: a call was refused, or a failure took everything with it. */
  let turn: "well" | "refused" | "lost" = "well";
  let isFaulty = false;
  const attempt = async (work: () => unknown): Promise<boolean> => {
    try {
      await work();
      return true;
    } catch (error) {
      const { name, code, retryAfterMs } = error as Record<string, unknown>;
      if (name !== "ConnectionError") throw error;
      equal([code, retryAfterMs, typeof store.fault()], ["UNAVAILABLE", 1000, "string"]);
      shelf.driver!.healthy = Infinity;
      model.undo();
      // While there is a fault already, it is not seen whether a call was refused or was the next to fail.
      turn = isFaulty ? "refused" : "lost";
      isFaulty = true;
      return false;
    }
  };
  const flush = async (): Promise<void> => {
    const before = turn;
    if (await attempt(() => store.flush())) {
      equal(before === "lost", false, "a turn that lost something was kept");
      model.flush();
    } else shelf.now! += 1000;
    isFaulty = store.fault() !== undefined;
    turn = "well";
  };
  for (const one of calls) {
    now++;
    if (one[0] === "break") {
      if (shelf.driver && turn === "well") shelf.driver.healthy = one[1];
    } else if (one[0] === "flush") {
      await flush();
      await attempt(() => same(store, model, now * 1000));
      if (turn !== "well") await flush();
    } else if (one[0] === "reopen") {
      if (shelf.driver) shelf.driver.healthy = Infinity;
      await flush();
      await store[Symbol.asyncDispose]();
      store = shelf.open();
      isFaulty = false;
      await same(store, model, now * 1000);
    } else if (turn === "well") {
      await attempt(() => step(store, model, one, now));
    }
  }
  if (shelf.driver) shelf.driver.healthy = Infinity;
  await flush();
  await same(store, model, now * 1000);
  await store[Symbol.asyncDispose]();
}

function property(kind: string, numRuns: number, makeShelf: () => Breakable): Case {
  return {
    name: `${kind} store: whatever is called in whatever order, it says what a plain model says`,
    run: () =>
      fc.assert(
        fc.asyncProperty(fc.array(call, { maxLength: 120, size: "max" }), async (calls) => {
          using shelf = makeShelf();
          await play(shelf, calls);
        }),
        // Nothing here waits: what takes long has run into a loop.
        { numRuns, interruptAfterTimeLimit: 20_000, markInterruptAsFailure: true },
      ),
  };
}

/** Random calls against a model. The database fails now and then, and is opened again in the middle. */
export const propertyCases: Case[] = [
  property("memory", 150, () => memoryShelf({ dedupeIds: IDS })),
  property("small sqlite", 100, () => smallShelf({ dedupeIds: IDS })),
];
