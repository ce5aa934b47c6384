import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ChurnMap } from "./churn_map.ts";

test("it does what a map does, in the same order, however much comes and goes", () => {
  const step = fc.tuple(fc.constantFrom("set", "delete", "get", "clear"), fc.nat(40));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 600 }), (steps) => {
      const [churn, map] = [new ChurnMap<number, number>(), new Map<number, number>()];
      for (const [at, [what, key]] of steps.entries()) {
        if (what === "set") {
          churn.set(key, at);
          map.set(key, at);
        } else if (what === "delete") assert.equal(churn.delete(key), map.delete(key));
        else if (what === "get") assert.deepEqual([churn.get(key), churn.has(key)], [map.get(key), map.has(key)]);
        else if (key === 0) {
          churn.clear();
          map.clear();
        }
        assert.equal(churn.size, map.size);
      }
      assert.deepEqual([...churn.values()], [...map.values()]);
    }),
  );
});

test("what is gone is gone, also when many have gone before it", () => {
  const churn = new ChurnMap<string, number>();
  for (let n = 0; n < 10_000; n++) {
    churn.set(`k${n}`, n);
    if (n >= 100) assert.equal(churn.delete(`k${n - 100}`), true);
  }
  assert.equal(churn.size, 100);
  assert.deepEqual([...churn.values()], Array.from({ length: 100 }, (_, at) => 9900 + at));
  assert.equal(churn.delete("k0"), false);
});
