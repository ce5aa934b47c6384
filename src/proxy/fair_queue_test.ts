import assert from "node:assert/strict";
import { test } from "node:test";
import { FairQueue } from "./fair_queue.ts";

function all(queue: FairQueue<string>): string {
  const taken: string[] = [];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) taken.push(next);
  return taken.join(" ");
}

test("keys take turns, and each keeps its order", () => {
  const queue = new FairQueue<string>();
  for (const one of ["a1", "a2", "a3", "a4", "b1", "c1", "c2"]) queue.push(one[0], one);
  assert.equal(queue.size, 7);
  assert.equal(all(queue), "a1 b1 c1 a2 c2 a3 a4");
  assert.equal(queue.size, 0);
});

test("who comes new waits for one turn of those who are there", () => {
  const queue = new FairQueue<string>();
  for (const one of ["a1", "a2", "a3", "b1", "b2"]) queue.push(one[0], one);
  assert.equal(queue.shift(), "a1");
  queue.push("c", "c1");
  assert.equal(all(queue), "b1 a2 c1 b2 a3");
});

test("one that is taken out leaves the rest as it was, wherever it stood", () => {
  for (let out = 0; out < 6; out++) {
    const names = ["a1", "a2", "a3", "b1", "c1", "c2"];
    const queue = new FairQueue<string>();
    const removals = names.map((name) => queue.push(name[0], name));
    removals[out]();
    const other = new FairQueue<string>();
    for (const name of names) if (name !== names[out]) other.push(name[0], name);
    assert.equal(queue.size, 5);
    assert.equal(all(queue), all(other), `without ${names[out]}`);
  }
  const queue = new FairQueue<string>();
  queue.push("a", "a1")();
  assert.deepEqual([queue.size, queue.shift()], [0, undefined]);
  queue.push("a", "a2");
  assert.equal(all(queue), "a2");
});

test("any sequence of steps gives what the plain way of it gives", () => {
  let state = 7;
  const random = (below: number): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % below;
  const queue = new FairQueue<number>();
  // Plainly: lists by key, in the order of their turns.
  const plain: { key: string; items: number[] }[] = [];
  const removals = new Map<number, () => void>();
  for (let step = 0; step < 20_000; step++) {
    const what = random(5);
    if (what < 2) {
      const key = "abcdef"[random(6)];
      removals.set(step, queue.push(key, step));
      const lane = plain.find((one) => one.key === key);
      if (lane) lane.items.push(step);
      else plain.push({ key, items: [step] });
    } else if (what < 4) {
      const lane = plain.shift();
      const expected = lane?.items.shift();
      if (lane?.items.length) plain.push(lane);
      assert.equal(queue.shift(), expected);
      removals.delete(expected!);
    } else if (removals.size > 0) {
      const [value, remove] = [...removals][random(removals.size)];
      remove();
      removals.delete(value);
      const at = plain.findIndex(({ items }) => items.includes(value));
      plain[at].items.splice(plain[at].items.indexOf(value), 1);
      if (plain[at].items.length === 0) plain.splice(at, 1);
    }
    assert.equal(queue.size, removals.size);
  }
});
