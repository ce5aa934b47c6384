import assert from "node:assert/strict";
import { test } from "node:test";
import { isActive, isTerminal, nextStatus, type TaskStatus, type TaskTransition } from "./task_states.ts";

const STATUSES: readonly TaskStatus[] = [
  "pending",
  "assigned",
  "running",
  "waiting_input",
  "waiting_authority",
  "waiting_dependency",
  "hibernated",
  "completed",
  "failed",
  "cancelled",
  "timed_out",
  "rejected",
  "dead",
];

/** The whole table as docs/tasks.md has it: where each transition leads, from each status in the order above; "." for nowhere. */
const TABLE: Record<TaskTransition, string> = {
  assign: "assigned            . . . . . . . . . . . .",
  start: ". running             . . . . . . . . . . .",
  complete: ". completed completed . . . . . . . . . .",
  fail: ". failed failed failed failed failed failed . . . . . .",
  retry: ". pending pending pending pending pending pending . . . . . .",
  die: ". dead dead dead dead dead dead . . . . . .",
  time_out: "timed_out timed_out timed_out timed_out timed_out timed_out timed_out . . . . . .",
  release: ". pending pending . . . . . . . . . .",
  cancel: "cancelled cancelled cancelled cancelled cancelled cancelled cancelled . . . . . .",
  reject: "rejected rejected rejected rejected rejected . . . . . . . .",
  await_input: ". waiting_input waiting_input . . . . . . . . . .",
  await_authority: ". waiting_authority waiting_authority . . . . . . . . . .",
  await_dependency: "waiting_dependency waiting_dependency waiting_dependency . . . . . . . . . .",
  hibernate: ". hibernated hibernated . . . . . . . . . .",
  resume: ". . . pending pending pending pending . . . . . .",
  redrive: ". . . . . . . . pending pending pending pending pending",
  finish: "completed . . . . . . . . . . . .",
};

test("every transition leads from every status where the table says, and nowhere else", () => {
  for (const [transition, row] of Object.entries(TABLE)) {
    const expected = row.split(/\s+/).map((to) => (to === "." ? undefined : to));
    assert.equal(expected.length, STATUSES.length, transition);
    assert.deepEqual(STATUSES.map((from) => nextStatus(from, transition as TaskTransition)), expected, transition);
  }
});

test("what is over is left by a redrive only, and what is completed by nothing", () => {
  for (const from of STATUSES.filter(isTerminal)) {
    const ways = (Object.keys(TABLE) as TaskTransition[]).filter((transition) => nextStatus(from, transition));
    assert.deepEqual(ways, from === "completed" ? [] : ["redrive"], from);
  }
  assert.deepEqual(STATUSES.filter(isActive), ["assigned", "running"]);
});

test("everything that is not over can be ended by a deadline and by a cancel, and can come to an end", () => {
  for (const from of STATUSES.filter((status) => !isTerminal(status))) {
    assert.equal(nextStatus(from, "time_out"), "timed_out");
    assert.equal(nextStatus(from, "cancel"), "cancelled");
    const reached = new Set<TaskStatus>([from]);
    for (const status of reached) {
      for (const transition of Object.keys(TABLE) as TaskTransition[]) {
        const to = nextStatus(status, transition);
        if (to) reached.add(to);
      }
    }
    assert.ok(reached.has("completed"), from);
  }
});
