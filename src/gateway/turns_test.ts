import assert from "node:assert/strict";
import { test } from "node:test";
import type { Store } from "../store/store.ts";
import { Turns, type Writer } from "./turns.ts";

function world(
  flush: () => void | Promise<void>,
): { turns: Turns; end(): void; heard: string[]; writer(name: string): Writer } {
  const heard: string[] = [];
  const ends: (() => void)[] = [];
  const turns = new Turns(
    { flush } as unknown as Store,
    (run) => void ends.push(run),
    (error) => heard.push(`broken ${(error as Error).message}`),
  );
  const writer = (name: string): Writer => ({ seal: () => {}, release: () => heard.push(name), fail: () => {} });
  const end = (): void => ends.splice(0).forEach((run) => run());
  return { turns, end, heard, writer };
}

test("everybody who wrote in a turn is released after its commit", () => {
  const { turns, end, heard, writer } = world(() => {});
  turns.beforeCommit(() => heard.push("before"));
  turns.enqueue(writer("a"));
  turns.enqueue(writer("b"));
  end();
  assert.deepEqual(heard, ["before", "a", "b"]);
});

test("a turn of many operations ends early, and goes on", () => {
  let commits = 0;
  const { turns, end, heard, writer } = world(() => void commits++);
  for (let count = 1; count <= 150; count++) {
    turns.enqueue(writer(String(count)));
    turns.done();
  }
  assert.deepEqual([commits, heard.at(-1)], [2, "128"]);
  end();
  assert.deepEqual([commits, heard.length], [3, 150]);
});

test("while a slow commit is under way no other begins, and what came meanwhile has one of its own", async () => {
  const commits: (() => void)[] = [];
  const { turns, end, heard, writer } = world(() => new Promise((resolve) => commits.push(resolve)));
  for (let count = 1; count <= 150; count++) {
    turns.enqueue(writer(String(count)));
    turns.done();
  }
  end();
  assert.deepEqual([commits.length, heard], [1, []]);
  commits[0]();
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual([commits.length, heard.at(-1)], [1, "64"]);
  end();
  commits[1]();
  await new Promise((resolve) => setTimeout(resolve));
  assert.equal(heard.length, 150);
});

// A commit in the middle of a turn that failed undid what others had changed in it, and was said to its caller alone:
// at the end of the turn there was nothing left to write, so that commit was fine, and the others got their receipts.
test("a commit that fails in the middle of a turn is everybody's: nobody is released", async () => {
  for (const isLate of [false, true]) {
    let fails = true;
    const { turns, end, heard, writer } = world(() => {
      if (!fails) return;
      fails = false;
      if (!isLate) throw new Error("disk full");
      return Promise.reject(new Error("disk full"));
    });
    turns.enqueue(writer("a"));
    await assert.rejects(async () => await turns.commit(), /disk full/);
    end();
    assert.deepEqual(heard, ["broken disk full"]);
    turns.enqueue(writer("later"));
    end();
    assert.deepEqual(heard, ["broken disk full", "later"]);
  }
});

test("what somebody wants done before a commit and cannot be done, fails it", () => {
  const { turns, end, heard, writer } = world(() => {});
  turns.beforeCommit(() => {
    throw new Error("no");
  });
  turns.enqueue(writer("a"));
  end();
  assert.deepEqual(heard, ["broken no"]);
});
