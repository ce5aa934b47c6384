/** The command as a process, on Bun: `npm start` runs it so. */
import assert from "node:assert/strict";
import fs from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { test } from "node:test";
import { Aether } from "./cli_process.ts";

/** A folder that is gone afterwards. */
function folderWith(files: Record<string, string>): Disposable & { at: string } {
  const at = fs.mkdtempSync(path.join(os.tmpdir(), "aether-cli-"));
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(at, name)), { recursive: true });
    fs.writeFileSync(path.join(at, name), text);
  }
  return { at, [Symbol.dispose]: () => fs.rmSync(at, { recursive: true }) };
}

/** Lines of words drawn by a little generator, and how often each was drawn. */
function drawText(lines: number, expected: Map<string, number>): string {
  const words = ["the", "gateway", "Ärger", "don't", "__proto__x", "constructor", "42", "lock"];
  let seed = 7;
  const text: string[] = [];
  for (let line = 0; line < lines; line++) {
    const drawn: string[] = [];
    for (let at = 0; at < 9; at++) {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      const word = words[Math.floor((seed / 2147483648) * words.length)];
      drawn.push(at === 4 ? word.toUpperCase() : word);
      // An underscore is no letter: it stands between words. A number is none.
      const key = word === "__proto__x" ? ["proto", "x"] : word === "42" ? [] : [word.toLowerCase()];
      for (const part of key) expected.set(part, (expected.get(part) ?? 0) + 1);
    }
    text.push(drawn.join(line % 2 ? ", " : " "));
  }
  return text.join("\n");
}

test("the demo counts the words of a folder, also of files larger than a piece", async () => {
  const expected = new Map<string, number>();
  using folder = folderWith({
    "a.txt": drawText(30, expected),
    "below/b.md": drawText(20_000, expected),
    "empty.txt": "",
    "not.json": `"not text"`,
  });
  await using aether = new Aether("dev", "--port", "0", "--demo", folder.at, "--once", "--json");
  assert.equal(await aether.exitCode(), 0);

  const sorted = [...expected].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  const result = await aether.event("result");
  assert.deepEqual(result.top, sorted.map(([word, count]) => ({ word, count })));
  assert.equal(result.words, sorted.reduce((sum, [, count]) => sum + count, 0));
  assert.equal(result.distinct, sorted.length);
  const { files, pieces } = await aether.event("demo");
  assert.equal(files, 3);
  assert.ok((pieces as number) > 3, "the large file was not cut");
  assert.equal(result.retries, 1, "one task fails on purpose, once");
  const { documents, status } = await aether.event("search");
  assert.equal(status, 200);
  assert.ok((documents as number) >= 2, `${documents} documents have the most frequent word`);
  assert.deepEqual(aether.events.filter(({ event }) => event === "progress").at(-1), {
    event: "progress",
    done: pieces,
    total: pieces,
  });
});

test("a demo that is killed in the middle goes on where it was, and a worker that is killed hurts nobody", async () => {
  const expected = new Map<string, number>();
  const files = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`${n}.txt`, drawText(40 + n, expected)]));
  using folder = folderWith(files);
  using home = folderWith({});
  const words = ["dev", "--port", "0", "--demo", folder.at, "--once", "--json", "--store", path.join(home.at, "a.db")];
  await using first = new Aether(...words);
  const isolate = await first.event("pool");
  await first.event("progress");
  for (const event of [isolate, ...first.events]) {
    const pid = /process (\d+)/.exec(String(event.isolate ?? ""))?.[1];
    if (pid) {
      process.kill(Number(pid), "SIGKILL");
      break;
    }
  }
  const isFar = (): boolean => first.events.some(({ event, done }) => event === "progress" && (done as number) >= 30);
  while (!isFar()) await new Promise((resolve) => setTimeout(resolve, 5));
  first.kill("SIGKILL");
  await first.exitCode();
  await using second = new Aether(...words);
  assert.equal(await second.exitCode(), 0);
  const result = await second.event("result");
  assert.ok((result.before as number) >= 30, `${result.before} documents had been counted before`);
  assert.equal(result.words, [...expected.values()].reduce((sum, count) => sum + count, 0));
  assert.equal(result.distinct, expected.size);
});

test("a local server is exposed as a service, and asked by curl and by the gateway's address", async () => {
  const local = http.createServer((request, response) => {
    response.writeHead(request.url === "/none" ? 404 : 200, { "x-method": request.method });
    request.pipe(response);
  });
  await new Promise<void>((resolve) => void local.listen(0, "127.0.0.1", resolve));
  try {
    await using dev = new Aether("dev", "--port", "0", "--json", "--ingress", "web");
    const { url, httpUrl } = await dev.event("listening");
    const place = ["--address", url as string, "--json"];
    const { port } = local.address() as { port: number };
    await using exposed = new Aether("expose", "web", String(port), ...place);
    await exposed.event("exposed");

    await using curl = new Aether("curl", "sv::web/echo?a=1", "-d", "hello", "-H", "x-a: b", ...place);
    assert.equal(await curl.exitCode(), 0);
    const { status, headers } = await curl.event("response");
    assert.equal(status, 200);
    assert.equal(new Map(headers as [string, string][]).get("x-method"), "POST");
    assert.equal((await curl.event("data")).text, "hello");
    const { method, path, caller } = await exposed.event("request");
    assert.deepEqual([method, path], ["POST", "/echo?a=1"]);
    assert.match(caller as string, /^us::curl::/);

    const response = await fetch(`${httpUrl}/s/web/x`, { method: "PUT", body: "by the door" });
    assert.equal(await response.text(), "by the door");
    const found = await fetch(`${httpUrl}/s/web?a=1`, { redirect: "manual" });
    assert.deepEqual([found.status, found.headers.get("location")], [308, "/s/web/?a=1"]);
    assert.equal((await fetch(`${httpUrl}/s/other/x`)).status, 404);

    await using missing = new Aether("curl", "-f", "sv::web/none", ...place);
    assert.equal(await missing.exitCode(), 22);
    await using nobody = new Aether("curl", "sv::nobody", ...place);
    assert.equal(await nobody.exitCode(), 1);
    assert.match((await nobody.event("error")).message as string, /No instance of "sv::nobody" is connected/);

    local.closeAllConnections();
    await new Promise((resolve) => local.close(resolve));
    assert.equal((await fetch(`${httpUrl}/s/web/x`)).status, 502);
    exposed.kill("SIGTERM");
    assert.equal(await exposed.exitCode(), 0);
    assert.equal((await fetch(`${httpUrl}/s/web/x`)).status, 503);
  } finally {
    local.close();
  }
});

test("two gateways do not share a database", async () => {
  using home = folderWith({});
  const store = path.join(home.at, "a.db");
  await using one = new Aether("dev", "--port", "0", "--json", "--store", store);
  await one.event("listening");
  await using two = new Aether("dev", "--port", "0", "--json", "--store", store);
  assert.equal(await two.exitCode(), 1);
  assert.match((await two.event("error")).message as string, /another store.*--store memory/);
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test(`dev answers until ${signal} stops it within a second`, async () => {
    await using aether = new Aether("dev", "--port", "0", "--json");
    const { httpUrl } = await aether.event("listening");
    const response = await fetch(`${httpUrl}/healthz`);
    assert.deepEqual(await response.json(), { status: "ok" });
    const began = performance.now();
    aether.kill(signal);
    assert.equal(await aether.exitCode(), 0);
    assert.ok(performance.now() - began < 1500, "it took too long to stop");
  });
}

test("without --port a second gateway takes the next free port", async () => {
  await using one = new Aether("dev", "--json");
  const first = await one.event("listening");
  await using two = new Aether("dev", "--json");
  assert.ok(((await two.event("listening")).port as number) > (first.port as number));
});

test("a port that is asked for and taken is an error, not another port", async () => {
  await using one = new Aether("dev", "--port", "0", "--json");
  const { port } = await one.event("listening");
  await using two = new Aether("dev", "--port", String(port), "--json");
  assert.equal(await two.exitCode(), 1);
  assert.match((await two.event("error")).message as string, /is taken/);
});

test("what cannot work is said with exit code 2", async () => {
  using empty = folderWith({ "data.json": "{}" });
  const refused: [RegExp, string[]][] = [
    [/There is no folder/, ["dev", "--demo", path.join(empty.at, "nowhere")]],
    [/There is no text/, ["dev", "--demo", empty.at]],
    [/is a file/, ["dev", "--demo", path.join(empty.at, "data.json")]],
    [/did you mean "--demo"/, ["dev", "--dmeo", empty.at]],
    [/stays on this machine/, ["dev", "--port", "0", "--host", "0.0.0.0"]],
  ];
  for (const [message, words] of refused) {
    await using aether = new Aether(...words, "--json");
    assert.equal(await aether.exitCode(), 2, String(message));
    assert.match((await aether.event("error")).message as string, message);
  }
});
