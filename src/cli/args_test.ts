import assert from "node:assert/strict";
import { test } from "node:test";
import { parseArgs } from "./args.ts";
import { nearest } from "./did_you_mean.ts";

const plain = { host: "127.0.0.1", store: ".aether/aether.db", ingress: [], once: false, json: false };

test("no word at all asks for help", () => {
  for (const words of [[], ["help"], ["--help"], ["-h"], ["dev", "--help"]]) {
    assert.equal(parseArgs(words).kind, "help");
  }
});

test("dev without flags has no port of its own choice", () => {
  assert.deepEqual(parseArgs(["dev"]), { kind: "dev", options: plain });
});

test("dev takes its flags with a blank or an equals sign", () => {
  const options = {
    port: 0,
    host: "::1",
    store: "a.db",
    ingress: ["a", "b", "c"],
    demo: "a=b",
    once: true,
    json: true,
  };
  const words = ["--port", "0", "--host=::1", "--store=a.db", "--ingress=a,b", "--ingress", "c", "--demo=a=b"];
  assert.deepEqual(parseArgs(["dev", ...words, "--once", "--json"]), {
    kind: "dev",
    options,
  });
});

test("expose takes a name and a server, written out or as its port", () => {
  const where = { address: undefined, token: undefined, apiKey: undefined, tenant: undefined, json: false };
  const options = { ...where, implementation: "web", url: "http://127.0.0.1:3000" };
  assert.deepEqual(parseArgs(["expose", "web", "3000"]), { kind: "expose", options });
  const more = { ...options, url: "http://localhost:1/a", specifier: "7", apiKey: "k", json: true };
  const words = ["--specifier=7", "--api-key", "k", "--json"];
  assert.deepEqual(parseArgs(["expose", ...words, "web", "localhost:1/a"]), { kind: "expose", options: more });
  assert.deepEqual(parseArgs(["expose", "-h"]), { kind: "help", of: "http" });
});

test("curl takes an address and the flags one knows", () => {
  const command = parseArgs(["curl", "sv::web/a?b=1", "-X", "PUT", "-H", "a: b:c", "-d", "{}", "-i", "--max-time=1.5"]);
  assert.ok(command.kind === "curl");
  const { target, path, method, headers, data, include, fail, timeoutMs } = command.options;
  assert.deepEqual([target, path, method, data], ["sv::web", "/a?b=1", "PUT", "{}"]);
  assert.deepEqual([headers, include, fail, timeoutMs], [[["a", "b:c"]], true, false, 1500]);
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
  ["expose without a server", ["expose", "web"], /needs a name and a local server/],
  ["expose of what is no server", ["expose", "web", "ftp://a"], /"ftp:\/\/a" is no address of an HTTP server/],
  ["curl without an address", ["curl", "-i"], /needs one address/],
  ["curl with a header that is none", ["curl", "sv::a/", "-H", "a"], /A header is "name: value", not "a"/],
  ["curl with a flag without its value", ["curl", "sv::a/", "-X"], /-X needs a value, as in -X POST/],
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
