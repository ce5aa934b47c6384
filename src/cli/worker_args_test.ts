import assert from "node:assert/strict";
import { test } from "node:test";
import { parseArgs } from "./args.ts";
import { parseDuration, parseWorker } from "./worker_args.ts";

function optionsOf(...words: string[]): Record<string, unknown> {
  const command = parseWorker(words);
  assert.equal(command.kind, "worker", JSON.stringify(command));
  return { ...(command as { options: object }).options };
}

function faultOf(...words: string[]): string {
  const command = parseWorker(words);
  assert.equal(command.kind, "fault", words.join(" "));
  return (command as { message: string }).message;
}

test("a module alone is worked on by one thread with one slot", () => {
  assert.deepEqual(optionsOf("./tasks.ts"), {
    module: "./tasks.ts",
    processes: 1,
    slots: 1,
    isolate: "thread",
    isolateArgs: [],
    watch: false,
    json: false,
  });
});

test("every flag is taken, with a space or an equals sign", () => {
  const words =
    "--address ws://h:1 --workspace=prod ./t.ts --implementation image --processes 2 --slots=8 --isolate process " +
    "--memory-mb 512 --idle-exit 30s --drain-ms 1000 --grace-ms 2s --reconnect-ms 0 --token t --api-key k --tenant a " +
    "--isolate-arg=--allow-net=a.b --isolate-arg=--allow-sys --watch --json";
  assert.deepEqual(optionsOf(...words.split(" ")), {
    module: "./t.ts",
    address: "ws://h:1",
    workspace: "prod",
    implementation: "image",
    processes: 2,
    slots: 8,
    isolate: "process",
    isolateArgs: ["--allow-net=a.b", "--allow-sys"],
    memoryMb: 512,
    idleExitMs: 30_000,
    drainMs: 1_000,
    graceMs: 2_000,
    reconnectMs: 0,
    token: "t",
    apiKey: "k",
    tenant: "a",
    watch: true,
    json: true,
  });
});

test("what makes no sense is said with what would", () => {
  assert.match(faultOf(), /needs a module/);
  assert.match(faultOf("a.ts", "b.ts"), /takes one module, not "a.ts" and "b.ts"/);
  assert.match(faultOf("a.ts", "--isolate", "vm"), /thread, process or none/);
  assert.match(faultOf("a.ts", "--slots", "0"), /a number from 1, not "0"/);
  assert.match(faultOf("a.ts", "--slots"), /needs a value, as in --slots 8/);
  assert.match(faultOf("a.ts", "--proceses", "2"), /did you mean "--processes"/);
  assert.match(faultOf("a.ts", "--idle-exit", "soon"), /30s, 5m or 2h, not "soon"/);
  assert.match(faultOf("a.ts", "--watch=1"), /takes no value/);
  assert.match(faultOf("a.ts", "--isolate", "none", "--watch"), /--watch needs isolates/);
  assert.match(faultOf("a.ts", "--memory-mb", "64", "--isolate=none"), /--memory-mb needs isolates/);
});

test("the command line knows the worker, and its help", () => {
  assert.equal(parseArgs(["worker", "a.ts"]).kind, "worker");
  assert.deepEqual(parseArgs(["worker", "--help"]), { kind: "help", of: "worker" });
  assert.deepEqual(parseArgs(["worker", "--json"]).kind, "fault");
});

test("durations have units, and are milliseconds without", () => {
  const cases: [string, number | undefined][] = [
    ["250", 250],
    ["1.5s", 1_500],
    ["5m", 300_000],
    ["2h", 7_200_000],
    ["1d", 86_400_000],
    ["10ms", 10],
    ["", undefined],
    ["-1s", undefined],
    ["5 m", undefined],
    ["1w", undefined],
  ];
  for (const [text, ms] of cases) assert.equal(parseDuration(text), ms, text);
});
