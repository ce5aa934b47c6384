import assert from "node:assert/strict";
import { test } from "node:test";
import * as v from "valibot";
import { type StandardSchemaV1, validate } from "./schema.ts";

test("a value that fits comes back as the schema made it", async () => {
  const schema = v.object({ size: v.pipe(v.string(), v.transform(Number)) });
  assert.deepEqual(await validate(schema, { size: "12" }, "input"), { size: 12 });
});

test("every issue is listed with its path", async () => {
  const schema = v.object({ items: v.array(v.object({ url: v.string() })), name: v.string() });
  await assert.rejects(validate(schema, { items: [{ url: "a" }, { url: 1 }] }, "input"), (error: Error) => {
    assert.equal(error.name, "InvalidArgumentError");
    const { issues } = (error as unknown as { details: { issues: { path: string }[] } }).details;
    assert.deepEqual(issues.map(({ path }) => path), ["items.1.url", "name"]);
    assert.match(error.message, /items\.1\.url: /);
    return true;
  });
});

test("a schema may answer later, and name a path by plain keys or none", async () => {
  const make = (path?: PropertyKey[]): StandardSchemaV1<unknown, never> => ({
    "~standard": {
      version: 1,
      vendor: "made up",
      validate: () => Promise.resolve({ issues: [{ message: "no", path }] }),
    },
  });
  const first = { name: "InvalidArgumentError", message: "Cannot use this output: a.0: no" };
  await assert.rejects(validate(make(["a", 0]), 1, "output"), first);
  await assert.rejects(validate(make(), 1, "output"), { message: "Cannot use this output: no" });
});
