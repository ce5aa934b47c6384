import assert from "node:assert/strict";
import { test } from "node:test";
import type { TaskStatus } from "../../src/protocol/task_states.ts";
import type { TaskEvent, TaskInfo } from "../../src/protocol/tasks.ts";
import type { Seen } from "../simulation/task_invariants.ts";
import type { Line, RunLine } from "./journal.ts";
import { evidenceOf } from "./task_evidence.ts";
import type { Asked } from "./task_load.ts";

const limits = { perKey: 1, total: 2, graceMs: 100 };

/** A task that was completed by the last of its attempts, each [from, to]. */
function taskOf(taskId: string, key: string, spans: [number, number][], dependsOn: string[] = []): [Asked, Seen] {
  const events: TaskEvent[] = [];
  const add = (at: number, status: TaskStatus, attempt: number): void =>
    void events.push({ sequence: events.length + 1, at, type: "status", status, attempt });
  spans.forEach(([from, to], index) => {
    add(from, "assigned", index + 1);
    add(to, index + 1 < spans.length ? "pending" : "completed", index + 1);
  });
  const token = `${spans.length} by ${spans.length}`;
  const input = { n: 1, key, ms: 1, how: "well" } as const;
  const result = { status: "completed", token } as const;
  return [
    { name: taskId, key, dependsOn, taskId, result, input, brought: { square: 1, token } },
    { task: { taskId, attempt: spans.length, status: "completed" } as TaskInfo, events },
  ];
}

/** What a process with the number of an attempt notes of it. */
function run(what: RunLine["what"], taskId: string, attempt: number, at = 0): Line {
  return { what, taskId, attempt, pid: attempt, host: attempt, at };
}

function faultsIn(lines: Line[], ...tasks: [Asked, Seen][]): string[] {
  return evidenceOf(lines, tasks.map(([asked]) => asked), tasks.map(([, seen]) => seen), limits).faults;
}

const once = taskOf("a", "red", [[0, 10]]);
const twice = taskOf("a", "red", [[0, 10], [10, 20]]);
const killed = (pid: number): Line => ({ what: "killed", pid, at: 0 });

test("a run that was killed may be followed by another one, and one that goes on may not", () => {
  const rest = [run("began", "a", 2), run("ended", "a", 2)];
  assert.deepEqual(faultsIn([run("began", "a", 1), killed(1), ...rest], twice), []);
  assert.match(faultsIn([run("began", "a", 1), ...rest], twice).join(), /attempt 2 began while 1 ran/);
});

test("what went on while the gateway was away loses its attempt after the grace, and not before", () => {
  const lines = (at: number): Line[] => [
    run("began", "a", 1, 1),
    { what: "gateway killed", at: 5 },
    run("began", "a", 2, at),
    run("ended", "a", 1, at),
    run("ended", "a", 2, at),
  ];
  assert.deepEqual(faultsIn(lines(210), taskOf("a", "red", [[0, 205], [205, 220]])), []);
  assert.match(faultsIn(lines(60), taskOf("a", "red", [[0, 55], [55, 70]])).join(), /began while 1 ran/);
  const [first, ...rest] = lines(210);
  const late = [...rest.slice(0, 2), { ...first, at: 211 }, ...rest.slice(2)];
  assert.deepEqual(faultsIn(late, taskOf("a", "red", [[0, 205], [205, 220]])), []);
});

test("a number is used once, and nobody begins what is completed, unknown or not theirs yet", () => {
  const whole = [run("began", "a", 1), run("ended", "a", 1)];
  assert.match(faultsIn([...whole, ...whole], once).join(), /attempt 1 began twice/);
  assert.match(faultsIn([...whole, run("began", "a", 2), run("ended", "a", 2)], once).join(), /does not know of it/);
  const accepted: Line = { what: "accepted", taskId: "a", attempt: 1, host: 1, at: 0 };
  const again = [...whole, accepted, run("began", "a", 2), run("ended", "a", 2)];
  assert.match(faultsIn(again, twice).join(), /began after it was completed/);
  assert.match(faultsIn([...whole, run("began", "x", 1)], once).join(), /nobody has asked for it/);
  const child = taskOf("b", "blue", [[0, 10]], ["a"]);
  const early = [run("began", "b", 1), ...whole, run("ended", "b", 1)];
  assert.match(faultsIn(early, once, child).join(), /b began before the run that completed a/);
});

test("more at once than may are found, by key and in all", () => {
  const all = [once, taskOf("b", "red", [[0, 10]]), taskOf("c", "blue", [[0, 10]])];
  const lines = (["began", "ended"] as const).flatMap((what) => ["a", "b", "c"].map((id) => run(what, id, 1)));
  const faults = faultsIn(lines, ...all).join();
  assert.match(faults, /2 of "red" ran when b began/);
  assert.match(faults, /3 ran when c began/);
});

test("a result must be of the valid attempt, and of a run that came to its end", () => {
  const lines = [run("began", "a", 1), run("ended", "a", 1), run("began", "a", 2), run("ended", "a", 2)];
  assert.deepEqual(faultsIn(lines, twice), []);
  const wrong: [Asked, Seen] = [{ ...twice[0], brought: { square: 1, token: "1 by 1" } }, twice[1]];
  assert.match(faultsIn(lines, wrong).join(), /the result of attempt 1, 2 was valid/);
  assert.match(faultsIn([...lines.slice(0, 3), killed(2)], twice).join(), /a run that never ended/);
});
