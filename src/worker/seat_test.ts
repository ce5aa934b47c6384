import assert from "node:assert/strict";
import { test } from "node:test";
import type { TaskAssignment } from "../protocol/task_assignment.ts";
import type { TaskOutcome } from "../protocol/tasks.ts";
import type { Link } from "../session/link.ts";
import { VirtualClock } from "../testing/virtual_clock.ts";
import { Crashes } from "./crashes.ts";
import { TaskAbortedError } from "./errors.ts";
import { ENDED, type Launched } from "./isolate_host.ts";
import { Line, type ToGuest, type ToHost } from "./isolate_line.ts";
import { Seat, type SeatEvent } from "./seat.ts";

/** An isolate that is no isolate: the test says what it does. */
class Fake {
  readonly heard: ToGuest[] = [];
  readonly line: Line<ToHost, ToGuest>;
  readonly launched: Launched;
  readonly #exit = Promise.withResolvers<string>();
  isAlive = true;
  #begun = 0;

  constructor(readonly name: string) {
    let toHost = (_: Uint8Array): void => {};
    let toGuest = (_: Uint8Array): void => {};
    this.launched = {
      name,
      port: { post: (bytes) => toGuest(bytes), listen: (take) => void (toHost = take) },
      begun: () => this.#begun,
      terminate: () => this.exit(ENDED),
      exited: this.#exit.promise,
    };
    const port = {
      post: (bytes: Uint8Array) => toHost(bytes),
      listen: (take: (bytes: Uint8Array) => void) => void (toGuest = take),
    };
    this.line = new Line(port, (message) => this.heard.push(message));
  }

  say(message: ToHost): void {
    this.line.say(message, true);
  }
  ready(): void {
    this.say({ kind: "ready", tasks: [{ type: "job" }] });
  }
  pulse(mb = 1): void {
    if (this.isAlive) this.say({ kind: "pulse", bytes: mb * 2 ** 20 });
  }
  begin(number: number): void {
    this.#begun = number;
  }
  exit(how: string): void {
    this.isAlive = false;
    this.#exit.resolve(how);
  }
  get runs(): string[] {
    return this.heard.flatMap((message) => message.kind === "run" ? [message.assignment.taskId] : []);
  }
  end(taskId: string, outcome: TaskOutcome = { kind: "completed" }): void {
    this.say({ kind: "outcome", taskId, attempt: 1, outcome });
  }
}

const link = {} as Link;

function assignmentOf(taskId: string): TaskAssignment {
  return { taskId, attempt: 1, taskType: "job", payload: new Uint8Array(0) } as unknown as TaskAssignment;
}

function world(options: { memoryBytes?: number; isReadyAtOnce?: boolean } = {}) {
  const clock = new VirtualClock();
  const fakes: Fake[] = [];
  const events: SeatEvent[] = [];
  const seat = new Seat({
    clock,
    drainMs: 5_000,
    crashes: new Crashes(),
    memoryBytes: options.memoryBytes,
    launch() {
      const fake = new Fake(`isolate ${fakes.length + 1}`);
      fakes.push(fake);
      if (options.isReadyAtOnce !== false) queueMicrotask(() => fake.ready());
      return fake.launched;
    },
    onEvent: (event) => events.push(event),
    onChange() {},
  });
  const execute = (taskId: string, signal = new AbortController().signal): Promise<TaskOutcome> =>
    seat.execute(assignmentOf(taskId), signal, link);
  /** Passes time in which these isolates live. */
  const pass = async (ms: number, ...alive: Fake[]): Promise<void> => {
    for (let left = ms; left > 0; left -= 200) {
      for (const fake of alive) fake.pulse();
      await clock.advance(Math.min(left, 200));
    }
  };
  return { clock, seat, fakes, events, execute, pass };
}

test("an isolate that crashed is followed by others, later and later, and what it ran is handed back", async () => {
  const { seat, fakes, events, execute, pass, clock } = world();
  await seat.start();
  const first = execute("a");
  await clock.advance(1);
  fakes[0].exit("SIGKILL");
  assert.deepEqual(await first, { kind: "released", reason: "its isolate has gone: SIGKILL" });
  assert.equal(seat.isReady, false);
  const waiting = execute("b");
  await pass(200);
  assert.deepEqual(fakes[1].runs, ["b"]);
  fakes[1].end("b");
  assert.deepEqual(await waiting, { kind: "completed" });
  fakes[1].exit("exit code 1");
  await pass(250);
  assert.equal(fakes.length, 2, "the second wait is longer");
  await pass(200);
  assert.equal(fakes.length, 3);
  await pass(11_000, fakes[2]);
  fakes[2].exit("exit code 1");
  await clock.advance(1);
  const waits = events.flatMap((event) => event.type === "exited" ? [event.retryInMs] : []);
  assert.deepEqual(waits, [200, 400, 200], "one that has lived has recovered");
});

test("tasks that were there at a crash run alone, so that the one to blame is found and no other is", async () => {
  const { seat, fakes, execute, pass, clock } = world();
  await seat.start();
  const together = [execute("poison"), execute("innocent")];
  await clock.advance(1);
  fakes[0].exit("exit code 1");
  assert.deepEqual((await Promise.all(together)).map(({ kind }) => kind), ["released", "released"]);
  await pass(400);
  const innocent = execute("innocent");
  const outcomes: TaskOutcome[] = [];
  for (let round = 0; round < 3; round++) {
    const running = execute("poison");
    await clock.advance(1);
    const alone = fakes.findLast(({ runs }) => runs.includes("poison"))!;
    assert.deepEqual(alone.runs, ["poison"]);
    alone.exit("exit code 1");
    outcomes.push(await running);
  }
  assert.deepEqual(outcomes.map(({ kind }) => kind), ["released", "released", "failed"]);
  const last = outcomes[2] as Extract<TaskOutcome, { kind: "failed" }>;
  assert.deepEqual([last.isRetryable, last.error.name], [false, "IsolateCrashedError"]);
  const own = fakes.findLast(({ runs }) => runs.includes("innocent"))!;
  assert.deepEqual(own.runs, ["innocent"]);
  own.end("innocent");
  assert.deepEqual(await innocent, { kind: "completed" });
  assert.ok(!own.isAlive && fakes[1].isAlive && seat.isReady);
  void execute("innocent");
  await clock.advance(1);
  assert.deepEqual(fakes[1].runs, ["innocent"], "it is free of suspicion");
});

test("what a busy isolate has not begun goes to another, and what it has begun stays", async () => {
  const { seat, fakes, execute, pass } = world();
  await seat.start();
  const [one, two] = [execute("one"), execute("two")];
  await pass(250, fakes[0]);
  fakes[0].begin(1); // and now it computes
  for (let quarter = 0; quarter < 10; quarter++) await pass(250, ...fakes.slice(1));
  assert.equal(fakes.length, 2);
  assert.deepEqual([fakes[0].runs, fakes[1].runs], [["one", "two"], ["two"]]);
  // It comes to the second one at last, and asks before it begins.
  fakes[0].say({ kind: "claim", number: 2 });
  await pass(250, fakes[1]);
  assert.deepEqual(fakes[0].heard.at(-1), { kind: "go", number: 2, isWanted: false });
  fakes[1].end("two");
  assert.deepEqual(await two, { kind: "completed" });
  assert.ok(fakes[0].isAlive);
  fakes[0].end("one");
  assert.deepEqual(await one, { kind: "completed" });
  assert.ok(!fakes[0].isAlive, "nothing is left to do for it");
});

test("a claim is granted while the task is still its own", async () => {
  const { seat, fakes, execute, pass } = world();
  await seat.start();
  void execute("one");
  await pass(1_200, fakes[0]);
  fakes[0].say({ kind: "claim", number: 1 });
  await pass(10, fakes[0]);
  assert.deepEqual(fakes[0].heard.at(-1), { kind: "go", number: 1, isWanted: true });
});

test("a task that does not stop takes its isolate with it, but nobody else", async () => {
  const { seat, fakes, execute, pass } = world();
  await seat.start();
  const stop = new AbortController();
  const [deaf, other] = [execute("deaf", stop.signal), execute("other")];
  await pass(10, fakes[0]);
  stop.abort(new TaskAbortedError("cancelled", "no longer needed"));
  await pass(10, fakes[0]);
  assert.equal(fakes[0].heard.at(-1)!.kind, "abort");
  seat.kill(assignmentOf("deaf"));
  assert.equal((await deaf).kind, "released");
  await pass(500, ...fakes);
  assert.deepEqual([fakes.length, fakes[0].isAlive], [2, true]);
  fakes[0].end("other");
  assert.deepEqual(await other, { kind: "completed" });
  await pass(10, fakes[1]);
  assert.ok(!fakes[0].isAlive);
  const alone = execute("alone");
  await pass(10, fakes[1]);
  seat.kill(assignmentOf("alone"));
  assert.equal((await alone).kind, "released");
  assert.ok(!fakes[1].isAlive);
});

test("an isolate that uses too much memory is replaced in peace, one far beyond it at once", async () => {
  const { seat, fakes, execute, pass, clock } = world({ memoryBytes: 100 * 2 ** 20 });
  await seat.start();
  const running = execute("a");
  await pass(6_000, fakes[0]);
  fakes[0].pulse(120);
  await clock.advance(300);
  assert.deepEqual([fakes.length, fakes[0].isAlive], [2, true]);
  fakes[0].end("a");
  assert.deepEqual(await running, { kind: "completed" });
  await pass(6_000, fakes[1]);
  assert.ok(!fakes[0].isAlive);
  fakes[1].pulse(200);
  await clock.advance(300);
  assert.ok(!fakes[1].isAlive);
});

test("new code that cannot be loaded leaves the old at work", async () => {
  const { seat, fakes, events, clock } = world({ isReadyAtOnce: false });
  const started = seat.start();
  fakes[0].ready();
  await started;
  const replaced = seat.replace("changed");
  fakes[1].say({ kind: "unfit", message: "unexpected token" });
  await replaced;
  await clock.advance(1);
  assert.deepEqual(events.at(-1), { type: "unfit", message: "unexpected token" });
  assert.ok(fakes[0].isAlive && seat.isReady);
});

test("a module that cannot be loaded is known from the start", async () => {
  const { seat, fakes } = world({ isReadyAtOnce: false });
  const started = seat.start();
  fakes[0].say({ kind: "unfit", message: "There are no tasks" });
  await assert.rejects(started, { message: "There are no tasks" });
});
