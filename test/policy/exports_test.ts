import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { root } from "./source.ts";

type Target = string | { [condition: string]: Target };
type Targets = Record<string, Target>;

interface Manifest {
  name: string;
  version: string;
  license: string;
  exports: Targets;
  imports: Targets;
  bin: Targets;
}

function read(name: string): Manifest {
  return JSON.parse(fs.readFileSync(path.join(root, name), "utf8"));
}

const npm = read("package.json");
const deno = read("deno.json");
const jsr = read("jsr.json");

function targetsOf(target: Target): string[] {
  return typeof target === "string" ? [target] : Object.values(target).flatMap(targetsOf);
}

/** Built files come from the source of the same path; dist/ itself may not have been built yet. */
function sourceOf(target: string): string {
  return target.replace(/^\.\/dist\/(.*?)(?:\.js|\.d\.ts)$/, "./$1.ts");
}

/** What Deno takes from a conditions object of package.json. */
function forDeno(target: Target): string {
  return typeof target === "string" ? sourceOf(target) : forDeno(target.deno ?? target.default);
}

function missing(targets: Targets): string[] {
  const sources = targetsOf(targets).map(sourceOf);
  return [...new Set(sources)].filter((source) => !fs.existsSync(path.join(root, source)));
}

test("package.json, deno.json and jsr.json agree on name, version and license", () => {
  const pick = ({ name, version, license }: Manifest) => ({ name, version, license });
  assert.deepEqual(pick(deno), pick(npm));
  assert.deepEqual(pick(jsr), pick(npm));
});

test("package.json, deno.json and jsr.json list the same entries", () => {
  assert.deepEqual(Object.keys(deno.exports).sort(), Object.keys(npm.exports).sort());
  assert.deepEqual(jsr.exports, deno.exports);
});

test("an entry is the same source whichever registry it comes from", () => {
  const fromNpm = Object.entries(npm.exports).map(([entry, target]) => [entry, forDeno(target)]);
  assert.deepEqual(deno.exports, Object.fromEntries(fromNpm));
});

test("within the project Deno finds every entry by its public name", () => {
  const names = Object.entries(deno.exports).map(([entry, target]) => [npm.name + entry.slice(1), target]);
  const own = Object.entries(npm.imports).map(([name, target]) => [name, forDeno(target)]);
  assert.deepEqual(deno.imports, Object.fromEntries([...names, ...own]));
});

test("every entry of an export map has a last resort", () => {
  for (const [entry, target] of Object.entries({ ...npm.exports, ...npm.imports })) {
    assert.equal(Object.keys(target).at(-1), "default", entry);
  }
});

test("every entry says first where its types are, and they are those of what Node runs", () => {
  for (const [entry, target] of Object.entries(npm.exports)) {
    const { types, default: code } = target as Record<string, string>;
    assert.equal(Object.keys(target)[0], "types", entry);
    assert.equal(types, code.replace(/\.js$/, ".d.ts"), entry);
  }
});

test("every file behind an entry exists", () => {
  assert.deepEqual(missing(npm.exports), []);
  assert.deepEqual(missing(deno.exports), []);
});

test("every file behind an import name exists", () => {
  assert.deepEqual(missing(npm.imports), []);
  assert.deepEqual(missing(deno.imports), []);
});

test("every command exists", () => assert.deepEqual(missing(npm.bin), []));
