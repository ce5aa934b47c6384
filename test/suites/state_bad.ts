import { FrameKind } from "../../src/protocol/frames.ts";
import { encodeStructured } from "../../src/protocol/structured.ts";
import { testFabric } from "../../src/testing/mod.ts";
import type { Case } from "../harness.ts";
import { equal } from "./assert.ts";
import { bare, type BareClient, bytes, connected } from "./state_kit.ts";

const LONG = "k".repeat(513);
const ODD = [null, true, 1.5, -1, "text", [], {}, bytes("b")];
const NO_TEXT = [null, false, 7, [], {}, bytes("b")];
const NO_COUNT = [null, true, -1, 1.5, 2 ** 60, "1", [], {}, bytes("1"), NaN, Infinity];
const NO_BYTES = [null, 7, "text", [], {}, [1, 2]];
const KEYS = [...NO_TEXT, "", LONG, "ä".repeat(257)];
const PLACE: Record<string, unknown[]> = {
  scope: [null, -1, 9, 1.5, "2", [], {}],
  userId: [...NO_TEXT, "", "a::b", "a b", "x".repeat(129), "*"],
  workspace: [...NO_TEXT, "", "a::b", "a\0b", "x".repeat(129), ">"],
};
const TTL = [null, -1, "1", NaN, Infinity, 2 ** 40, [], {}];
const LARGE = [new Uint8Array(1024 * 1024 + 1)];
const part = { key: "new", upload: "abcdefghijkl", part: 0, data: bytes("d"), isLast: true };

/** Each operation with an input that is right, and for each of its fields what is wrong there. */
const WRONG: [op: string, input: Record<string, unknown>, fields: Record<string, unknown[]>][] = [
  ["kv.get", { key: "there" }, { ...PLACE, key: KEYS }],
  ["kv.put", { key: "new", value: bytes("v") }, { ...PLACE, key: KEYS, value: [...NO_BYTES, ...LARGE], ttl: TTL }],
  ["kv.delete", { key: "there" }, { ...PLACE, key: KEYS }],
  ["kv.list", {}, { ...PLACE, prefix: [...NO_TEXT, LONG], cursor: NO_TEXT, limit: [null, 0, -1, 1001, 1.5, "1"] }],
  ["kv.add", { key: "n", delta: 1 }, {
    ...PLACE,
    key: KEYS,
    delta: [null, true, 1.5, 2 ** 60, "1", [], bytes("1")],
    atMost: [null, 1.5, "1"],
    atLeast: [null, 1.5, "1"],
    ttl: TTL,
  }],
  ["kv.putIf", { key: "there", value: bytes("w"), ifRevision: 0 }, {
    ...PLACE,
    key: KEYS,
    value: [...NO_BYTES, ...LARGE],
    ifRevision: [undefined, ...NO_COUNT],
    expected: [bytes("both"), ...NO_BYTES],
    ttl: TTL,
  }],
  ["kv.deleteIf", { key: "there", expected: bytes("other") }, {
    ...PLACE,
    key: KEYS,
    expected: [undefined, ...NO_BYTES, ...LARGE],
    ifRevision: [1, ...NO_COUNT],
  }],
  ["kv.setAdd", { key: "s", member: bytes("m2") }, {
    ...PLACE,
    key: KEYS,
    member: [...NO_BYTES, new Uint8Array(513)],
    ttl: TTL,
  }],
  ["kv.setCard", { key: "s" }, { ...PLACE, key: KEYS }],
  ["kv.changes", { prefix: "" }, {
    ...PLACE,
    key: KEYS,
    prefix: [...NO_TEXT, LONG],
    after: NO_COUNT,
    cursor: [...NO_TEXT, "", "x", "abcdefghijkl.1", "abcdefghijkl.1.99999999999999999999", "c".repeat(300)],
    limit: [null, 0, 1001],
  }],
  ["checkpoint.save", part, {
    key: KEYS,
    upload: [...NO_TEXT, "", "short", "abcdefghijk:", "abcdefghijklm"],
    part: [...NO_COUNT, 32],
    data: [...NO_BYTES, new Uint8Array(512 * 1024 + 1)],
    isLast: [null, 1, "true", undefined],
    ttl: TTL,
    ifRevision: NO_COUNT,
  }],
  ["checkpoint.load", { key: "there", part: 0 }, { key: KEYS, part: [...NO_COUNT, 1], ifRevision: NO_COUNT }],
  ["checkpoint.delete", { key: "there" }, { key: KEYS, ifRevision: NO_COUNT }],
  ["checkpoint.list", {}, { cursor: NO_TEXT }],
  ["workspace.switch", { workspace: "x" }, { workspace: [undefined, ...NO_TEXT, "", "a::b", ":a", "x".repeat(129)] }],
  ["progress.report", {}, {
    completion: [null, 2, "1"],
    recipient: NO_TEXT,
    state: NO_TEXT,
    kind: [0, 4],
    metadata: ODD.slice(0, 5),
  }],
];

/** Everything a client may see, to compare before and after. */
async function everything(client: BareClient): Promise<string> {
  const parts: unknown[] = [];
  for (const scope of [1, 2, 3, 4, 5, 6, 7, 8]) {
    const { output } = await client.call("kv.list", { prefix: "", scope, userId: "ada" });
    parts.push(output.entries.map(({ key, revision }: { key: string; revision: number }) => [key, revision]));
  }
  const { output } = await client.call("checkpoint.list");
  return JSON.stringify([parts, output.entries]);
}

/** Wrong input of every operation, said by a client that says whatever it is told to. */
export const cases: Case[] = [
  ...WRONG.map(([op, input, fields]): Case => ({
    name: `bad input: ${op}: every wrong field is named in a typed error, and nothing is changed`,
    async run() {
      await using fabric = await testFabric({ seed: 1 });
      const client = await bare(fabric.gateway);
      await client.call("kv.put", { key: "there", value: bytes("v") });
      await client.call("kv.setAdd", { key: "s", member: bytes("m") });
      await client.call("checkpoint.save", { ...part, key: "there" });
      const before = await everything(client);
      for (const [field, values] of Object.entries(fields)) {
        for (const value of values) {
          const { error, output } = await client.call(op, { ...input, [field]: value });
          const what = `${op} ${field} ${typeof value} ${String(value).slice(0, 30)}`;
          if (!error) throw new Error(`${what} was taken: ${JSON.stringify(output)}`);
          equal(error.code, "INVALID_ARGUMENT", what);
          equal(typeof error.message === "string" && error.message.length < 1000, true, what);
        }
      }
      equal(await everything(client), before);
      for (const body of [null, 7, "text", [], bytes("b"), [1]]) {
        const { error, output } = await client.send({ op, in: body });
        // Where nothing is needed, an empty list or map is as good as none.
        if (output === undefined) {
          equal(error.code, "INVALID_ARGUMENT", `${op} with ${JSON.stringify(body)} for its input`);
        }
      }
      const { error } = await client.call(op, input);
      if (op !== "kv.changes") equal(error?.code, undefined, `${op} with what is right: ${error?.message}`);
    },
  })),
  {
    name: "bad input: a call without a name, of an unknown name or too large is answered, the connection stays",
    async run() {
      await using fabric = await testFabric({ seed: 2 });
      const client = await bare(fabric.gateway);
      const code = async (body: unknown): Promise<string> => (await client.send(body)).error.code;
      equal(await code(null), "INVALID_ARGUMENT");
      equal(await code([]), "INVALID_ARGUMENT");
      equal(await code({ op: 7 }), "INVALID_ARGUMENT");
      equal(await code({ op: { toString: 1 } }), "INVALID_ARGUMENT");
      for (const op of ["", "kv.purge", "constructor", "__proto__", "x".repeat(10_000)]) {
        equal(await code({ op, in: {} }), "UNIMPLEMENTED", op);
      }
      const large = { op: "kv.put", in: { key: "k", value: new Uint8Array(1024 * 1024 + 65 * 1024) } };
      const { error } = await client.send(large);
      equal([error.code, error.details.limit], ["INVALID_ARGUMENT", 1024 * 1024 + 64 * 1024]);
      equal((await client.call("kv.put", { key: "k", value: new Uint8Array(1024 * 1024) })).output.applied, true);
      equal((await client.call("kv.get", { key: "k" })).output.found, true);
    },
  },
  {
    name: "bad input: a call under the id of one that is open ends the connection, and nobody else's",
    async run() {
      await using fabric = await testFabric({ seed: 3 });
      const [agent] = await connected(fabric.agent());
      const client = await bare(fabric.gateway);
      client.send({ op: "kv.changes", in: { prefix: "" } }, 77);
      await client.call("kv.get", { key: "k" });
      client.send({ op: "kv.get", in: { key: "k" } }, 77);
      equal(await client.closed, 4400);
      equal((await agent.kv().get({ key: "k" })).found, false);
      equal(fabric.gateway.sessions().length, 1);
    },
  },
  {
    name: "bad input: a cancel of nothing is nothing, one of a wait ends it without an answer",
    async run() {
      await using fabric = await testFabric({ seed: 4, limits: { pendingRequests: 2 } });
      const client = await bare(fabric.gateway);
      for (let id = 1000; id < 1010; id++) {
        let answered = false;
        client.send({ op: "kv.changes", in: { prefix: "" } }, id).then(() => (answered = true));
        client.cancel(id);
        client.cancel(id);
        client.cancel(5);
        await client.call("kv.put", { key: `k${id}`, value: bytes("v"), scope: 1 });
        await fabric.advance(10);
        equal(answered, false);
      }
      client.call("kv.changes", { key: "none" });
      client.call("kv.changes", { key: "none" });
      const { error } = await client.call("kv.get", { key: "k" });
      equal([error.code, error.details, error.retryable], ["RESOURCE_EXHAUSTED", { limit: 2, current: 2 }, true]);
    },
  },
  {
    name: "bad input: what waits behind a switch is bounded",
    async run() {
      const gate = Promise.withResolvers<void>();
      let isShut = false;
      await using fabric = await testFabric({
        seed: 5,
        limits: { replayBytes: 100_000 },
        auth: {
          loopbackOnly: true,
          async authenticate() {
            if (isShut) await gate.promise;
            return { allowed: true };
          },
        },
      });
      const client = await bare(fabric.gateway);
      isShut = true;
      client.call("workspace.switch", { workspace: "x" });
      client.call("kv.put", { key: "k", value: new Uint8Array(90_000) });
      await fabric.advance(10);
      equal(fabric.gateway.sessions().length, 1);
      client.call("kv.put", { key: "k", value: new Uint8Array(20_000) });
      equal(await client.closed, 4429);
      isShut = false;
      gate.resolve();
      await fabric.advance(10);
      equal(fabric.gateway.sessions().length, 0);
      const again = await bare(fabric.gateway);
      equal((await again.call("kv.get", { key: "k" })).output.found, false);
    },
  },
  {
    name: "bad input: bytes that are no call end their own connection",
    async run() {
      await using fabric = await testFabric({ seed: 6 });
      const client = await bare(fabric.gateway);
      client.frames((writer) => {
        const body = encodeStructured({ op: "kv.put", in: { key: "k", value: bytes("v"), scope: 1 } });
        writer.structured(FrameKind.Call, body.subarray(0, body.length - 1), 1);
      });
      equal(await client.closed, 4400);
      const [agent] = await connected(fabric.agent());
      equal((await agent.kv().getGlobal("k")).found, false);
    },
  },
];
