import assert from "node:assert/strict";
import { test } from "node:test";
import { layerComplaints } from "./layers.ts";
import { parseSource, readSources } from "./source.ts";

const EDGE = "// edge: no Deno, Bun, node: or cloudflare: names\n";

/** A made-up project: file names and what stands in them; edge files get their first line for free. */
function complaints(files: Record<string, string>): string[] {
  return layerComplaints(
    Object.entries(files).map(([file, text]) => {
      const isRim = /^src\/(runtime|cli)\/|_test\.ts$|^mod\.ts$/.test(file) || text.startsWith("//");
      return parseSource(file, (isRim ? "" : EDGE) + text);
    }),
  );
}

test("every file keeps to its layer", () => {
  const sources = readSources("mod.ts", "src");
  assert.ok(sources.length > 0, "no file was read");
  assert.deepEqual(layerComplaints(sources), []);
});

const kept: [string, Record<string, string>][] = [
  ["an import from the left", { "src/session/a.ts": `import type { B } from "../base/b.ts";`, "src/base/b.ts": "" }],
  ["a package at home", { "src/gateway/a.ts": `import * as v from "valibot";` }],
  ["the dialler in a client", { "src/client/a.ts": `import { dial } from "#dial";` }],
  ["a pool's isolates in the worker's entry", { "src/worker/a.ts": `export { runWorkerPool } from "#pool";` }],
  ["a pool at the rim", {
    "src/runtime/a.ts": `import process from "node:process";\nimport { b } from "../worker/b.ts";`,
    "src/worker/b.ts": "",
  }],
  ["the command behind the worker's path", {
    "src/worker/main.ts": `// starts it\nimport "../cli/run.ts";`,
    "src/cli/run.ts": "",
  }],
  ["a platform at the rim", { "src/runtime/a.ts": `import fs from "node:fs";\nDeno.serve(() => {});` }],
  ["a test that joins both ends", {
    "src/client/a_test.ts": `import { test } from "node:test";\nimport { b } from "../gateway/b.ts";`,
    "src/gateway/b.ts": "",
  }],
  ["a platform in a comment", { "src/base/a.ts": `/** As in Deno.serve, or "node:fs". */\n// Bun. too` }],
  ["words that only look alike", { "src/base/a.ts": `export const a = { node: "Bun.serve", bun: /["'\`]Deno./ };` }],
];
for (const [name, files] of kept) test(`allowed: ${name}`, () => assert.deepEqual(complaints(files), []));

const broken: [string, RegExp, Record<string, string>][] = [
  ["an import from the right", /base must not know session/, { "src/base/a.ts": `import "../session/b.ts";` }],
  ["a type from the right", /base must not know protocol/, {
    "src/base/a.ts": `import type { B } from "../protocol/b.ts";`,
  }],
  ["a re-export from the right", /errors must not know base/, { "src/errors.ts": `export { b } from "./base/b.ts";` }],
  ["a dynamic import", /client must not know gateway/, { "src/client/a.ts": `await import("../gateway/b.ts");` }],
  ["an import over several lines", /gateway must not know client/, {
    "src/gateway/a.ts": `import {\n  b, // of c\n  type C,\n} from "../client/b.ts";`,
  }],
  ["a store that knows sessions", /store must not know session/, { "src/store/a.ts": `import "../session/b.ts";` }],
  ["testing on a rim", /testing must not know runtime/, { "src/testing/a.ts": `import "../runtime/b.ts";` }],
  ["a gateway in the public face", /mod must not know gateway/, {
    "mod.ts": `export { a } from "./src/gateway/a.ts";`,
  }],
  ["a folder without a place", /"misc", which has no place/, { "src/misc/a.ts": "" }],
  ["a way out of src/", /outside src/, { "src/client/a.ts": `import "../../test/harness.ts";` }],
  ["a test that is imported", /imports a test/, { "src/base/a.ts": `import "./b_test.ts";` }],
  ["no extension", /without \.ts/, { "src/base/a.ts": `import "./b";` }],
  ["msgpackr, which only tests use", /a package no folder may use/, {
    "src/session/a.ts": `import { Packr } from "msgpackr/pack";`,
  }],
  ["valibot elsewhere", /belongs to gateway/, { "src/protocol/a.ts": `import * as v from "valibot";` }],
  ["hono elsewhere", /belongs to gateway/, { "src/runtime/a.ts": `import { Hono } from "hono/tiny";` }],
  ["ws elsewhere", /belongs to runtime/, { "src/transport/a.ts": `import { WebSocket } from "ws";` }],
  ["the dialler elsewhere", /belongs to client/, { "src/gateway/a.ts": `import { dial } from "#dial";` }],
  ["the pool elsewhere", /belongs to worker/, { "src/client/a.ts": `import { runWorkerPool } from "#pool";` }],
  ["a worker that knows the command", /worker must not know cli/, { "src/worker/a.ts": `import "../cli/b.ts";` }],
  ["an unknown package", /no folder may use/, { "src/gateway/a.ts": `import "left-pad";` }],
  ["Deno by name", /names Deno/, { "src/base/a.ts": `export const a = Deno.pid;` }],
  ["Bun by a cast", /names Bun/, { "src/base/a.ts": `(globalThis as { Bun?: unknown }).Bun;` }],
  ["Deno inside a template", /names Deno/, { "src/base/a.ts": "export const a = `pid ${Deno.pid}`;" }],
  ["a Node module", /names "node:fs"/, { "src/base/a.ts": `import fs from 'node:fs';` }],
  ["a Bun module", /names "bun:sqlite"/, { "src/store/a.ts": `const a = await import("bun:sqlite");` }],
  ["a Cloudflare module", /names "cloudflare:workers"/, { "src/gateway/a.ts": `import "cloudflare:workers";` }],
  ["no edge line", /does not begin with/, { "src/base/a.ts": "// something else" }],
  ["an index.ts", /index\.ts/, { "src/base/index.ts": "" }],
  ["an export *", /export \*/, { "src/base/a.ts": `export * from "./b.ts";`, "src/base/b.ts": "" }],
  ["an export * as", /export \*/, { "mod.ts": `export * as b from "./src/base/b.ts";` }],
  ["a cycle", /import cycle: src\/base\/a\.ts → src\/base\/b\.ts → src\/base\/a\.ts/, {
    "src/base/a.ts": `import "./b.ts";`,
    "src/base/b.ts": `import type { A } from "./a.ts";`,
  }],
];
for (const [name, expected, files] of broken) {
  test(`noticed: ${name}`, () => assert.match(complaints(files).join("\n"), expected));
}
