import assert from "node:assert/strict";
import { test } from "node:test";
import { parseArgs } from "./args.ts";
import { nearest } from "./did_you_mean.ts";

const plain = { host: "127.0.0.1", store: ".aether/aether.db", once: false, json: false };

test("no word at all asks for help", () => {
  for (const words of [[], ["help"], ["--help"], ["-h"], ["dev", "--help"]]) {
    assert.equal(parseArgs(words).kind, "help");
  }
});

test("dev without flags has no port of its own choice", () => {
  assert.deepEqual(parseArgs(["dev"]), { kind: "dev", options: plain });
});

test("dev takes its flags with a blank or an equals sign", () => {
  const options = { port: 0, host: "::1", store: "a.db", demo: "a=b", once: true, json: true };
  assert.deepEqual(parseArgs(["dev", "--port", "0", "--host=::1", "--store=a.db", "--demo=a=b", "--once", "--json"]), {
    kind: "dev",
    options,
  });
});

test("backup takes the file to be made, and the store to be copied", () => {
  const options = { file: "copy.db", store: ".aether/aether.db", json: false };
  assert.deepEqual(parseArgs(["backup", "copy.db"]), { kind: "backup", options });
  assert.deepEqual(parseArgs(["backup", "--store=a=b", "copy.db", "--json"]), {
    kind: "backup",
    options: { ...options, store: "a=b", json: true },
  });
  assert.deepEqual(parseArgs(["backup", "--store", "a", "copy.db"]), {
    kind: "backup",
    options: { ...options, store: "a" },
  });
  assert.equal(parseArgs(["backup", "--help"]).kind, "help");
});

const faults: [string, string[], RegExp][] = [
  ["a command that is nearly one", ["dve"], /"dve", did you mean "dev"\?/],
  ["a command like no other", ["frobnicate"], /there are dev, worker, expose, curl, backup, version, help/],
  ["a flag that is nearly one", ["dev", "--prot", "1"], /"--prot", did you mean "--port"\?/],
  ["a flag that is cut short", ["dev", "--js"], /did you mean "--json"\?/],
  ["a flag before the command", ["--port", "1"], /A command comes first/],
  ["a port that is none", ["dev", "--port", "65536"], /0 to 65535, not "65536"/],
  ["a port in words", ["dev", "--port=http"], /not "http"/],
  ["a flag without its value", ["dev", "--demo", "--once"], /--demo needs a value, as in --demo docs/],
  ["a value too many", ["dev", "--json=yes"], /--json takes no value/],
  ["a folder by itself", ["dev", "docs"], /write --demo docs/],
  ["once without a demo", ["dev", "--once"], /--once needs --demo/],
  ["a backup without a file", ["backup", "--json"], /needs the file to be made/],
  ["a backup into two files", ["backup", "a", "b"], /not "a" and "b"/],
  ["a backup with a flag of another command", ["backup", "a", "--port=1"], /Unknown flag "--port"/],
  ["a backup of no store", ["backup", "a", "--store"], /--store needs a value/],
  ["version with a word", ["version", "now"], /takes no "now"/],
];
for (const [name, words, expected] of faults) {
  test(`refused: ${name}`, () => {
    const command = parseArgs(words);
    assert.equal(command.kind, "fault");
    assert.match(command.kind === "fault" ? command.message : "", expected);
  });
}

test("a fault remembers that the reader wants JSON", () => {
  assert.equal((parseArgs(["dev", "--json", "--nope"]) as { json: boolean }).json, true);
});

test("nearest counts a swap as one slip and gives nothing for a stranger", () => {
  assert.equal(nearest("hepl", ["dev", "help"]), "help");
  assert.equal(nearest("zzz", ["dev", "help"]), undefined);
});
