import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { OrderedKeys } from "./ordered_keys.ts";
import { byCodePoint } from "./search.ts";

test("every key that is there is shown, in order and once, whatever came and went between two looks", () => {
  const step = fc.record({ key: fc.string({ maxLength: 3, unit: "binary" }), looks: fc.boolean() });
  fc.assert(fc.property(fc.array(fc.string({ maxLength: 2 }), { maxLength: 20 }), fc.array(step), (first, steps) => {
    const there = new Set(first);
    const keys = new OrderedKeys(there);
    for (const { key, looks } of [...steps, { key: "", looks: true }]) {
      if (there.delete(key)) keys.gone();
      else {
        there.add(key);
        keys.add(key);
      }
      if (!looks) continue;
      const shown = [...keys.from(key)];
      assert.equal(new Set(shown).size, shown.length);
      assert.deepEqual(shown, shown.toSorted(byCodePoint));
      const wanted = [...there].filter((one) => byCodePoint(one, key) >= 0).sort(byCodePoint);
      assert.deepEqual(shown.filter((one) => there.has(one)), wanted);
    }
  }));
});

test("many that came since join the others", () => {
  const keys = new OrderedKeys(["m"]);
  const added = Array.from({ length: 5000 }, (_, n) => String((n * 7919) % 5000).padStart(5, "0"));
  for (const key of added) keys.add(key);
  assert.deepEqual([...keys.from("")], [...added.toSorted(), "m"]);
  keys.add("a");
  assert.deepEqual([...keys.from("04999")], ["04999", "a", "m"]);
});
