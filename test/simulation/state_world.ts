import { fromUtf8, utf8 } from "../../src/base/bytes.ts";
import { seededRandom } from "../../src/base/ids.ts";
import type { AetherClient } from "../../src/client/aether_client.ts";
import type { AgentClient } from "../../src/client/agent.ts";
import { KVScope } from "../../src/protocol/kv.ts";
import { type TestFabric, testFabric } from "../../src/testing/fabric.ts";

/** What a seeded run of kept state has seen; `faults` lists every broken promise in words. */
export interface StateOutcome {
  faults: string[];
  confirmed: number;
  failed: number;
  gaps: number;
  moves: number;
}

const PLACE = { scope: KVScope.Global };
const PART = 512 * 1024;

/** A blob that says which it is at both ends. */
function blob(n: number, size: number): Uint8Array {
  const data = new Uint8Array(size + 16).fill(n & 255);
  const name = utf8(String(n).padStart(8, "0"));
  data.set(name);
  data.set(name, data.length - 8);
  return data;
}

/**
 * One seeded run: principals count, put, compare, collect members, save checkpoints, watch and move between workspaces,
 * while wires break in every way and the gateway is restarted and killed. What was confirmed must be there afterwards,
 * what failed may be there once, watchers must have seen what is there, both ends must agree on who is where.
 */
export async function simulateState(seed: number, steps = 50): Promise<StateOutcome> {
  const chance = seededRandom(seed * 104_729 + 7);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(chance.next() * items.length)];
  const outcome: StateOutcome = { faults: [], confirmed: 0, failed: 0, gaps: 0, moves: 0 };
  const isForgetful = chance.next() < 0.3;
  const fabric = await testFabric({ seed, limits: isForgetful ? { retentionMs: 2_000 } : {} });
  const base = { reconnectDelay: 200, maxReconnectDelay: 2000 };
  const agents = Array.from({ length: 3 }, () => fabric.agent(base));
  const workers = [fabric.task(base), fabric.task(base)];
  const everybody: AetherClient[] = [...agents, ...workers];
  await fabric.advance("1s");

  let unsettled = 0;
  /** Notes what becomes of an operation: done, or failed in a way that says nothing about it. */
  const watch = <T>(promise: PromiseLike<T>, done: (value: T) => void): void => {
    unsettled++;
    promise.then((value) => {
      unsettled--;
      outcome.confirmed++;
      done(value);
    }, (error) => {
      unsettled--;
      outcome.failed++;
      const { code } = error as { code?: string };
      if (code !== "UNAVAILABLE" && code !== "DEADLINE_EXCEEDED") outcome.faults.push(`unexpected ${error}`);
    });
  };

  const counter = { asked: 0, done: 0 };
  const count = (): void => {
    counter.asked++;
    watch(pick(everybody).kv().increment({ ...PLACE, key: "counter" }), () => counter.done++);
  };

  // A register has one writer, whose puts follow one another: what was confirmed last, or asked for later, is there.
  const registers = agents.map((agent, at) => ({ agent, key: `register ${at}`, asked: 0, done: 0, busy: false }));
  const write = (): void => {
    const register = pick(registers);
    if (register.busy) return;
    register.busy = true;
    const n = ++register.asked;
    const free = (): boolean => (register.busy = false);
    const { agent, key } = register;
    const put = chance.next() < 0.2
      ? agent.kv().delete({ ...PLACE, key }).then(() => agent.kv().put(value()))
      : agent.kv().put(value());
    function value() {
      return { ...PLACE, key, value: utf8(String(n)), ttl: 86_400 };
    }
    watch(put.finally(free), () => (register.done = n));
  };
  const read = (): void => {
    const { key, done } = pick(registers);
    watch(pick(everybody).kv().get({ ...PLACE, key }), ({ value }) => {
      if (value && Number(fromUtf8(value)) < done) outcome.faults.push(`${key} read ${fromUtf8(value)} after ${done}`);
    });
  };

  const members = { asked: new Set<string>(), done: new Set<string>() };
  const collect = (): void => {
    const member = `m${Math.floor(chance.next() * 30)}`;
    members.asked.add(member);
    watch(pick(everybody).kv().setAdd({ ...PLACE, key: "set", value: utf8(member) }), () => members.done.add(member));
  };

  // A lock is had by whoever made the key; it is given back with the revision it was made with.
  const lock = { holders: 0 };
  const guard = (): void => {
    const kv = pick(agents).kv();
    watch(kv.setIfAbsent({ ...PLACE, key: "lock", value: utf8("held"), ttl: 5 }), ({ applied, revision }) => {
      if (!applied) return;
      if (++lock.holders > 1) outcome.faults.push("two hold the lock");
      fabric.clock.timer(1_000, () => lock.holders--);
      fabric.clock.timer(
        1_500,
        () => watch(kv.compareAndDelete({ ...PLACE, key: "lock", ifRevision: revision }), () => {}),
      );
    });
  };

  // Of another worker: one that was given up may still arrive, and then it is the latest.
  const saves = { asked: 0, done: 0, busy: false, lost: new Set<number>() };
  const save = (): void => {
    if (saves.busy) return;
    saves.busy = true;
    const n = ++saves.asked;
    const size = pick([0, 10, PART - 16, PART, 3 * PART]);
    const saving = pick(workers).checkpoint().save({ data: blob(n, size) }).finally(() => (saves.busy = false));
    saving.catch(() => saves.lost.add(n));
    watch(saving, () => (saves.done = n));
  };
  const load = (): void => {
    const { done } = saves;
    watch(pick(workers).checkpoint().load(), ({ data }) => check(data, done));
  };
  const check = (data: Uint8Array | undefined, done: number): void => {
    if (!data) return void (done > 0 && outcome.faults.push(`checkpoint ${done} is gone`));
    const [first, last] = [fromUtf8(data.subarray(0, 8)), fromUtf8(data.subarray(data.length - 8))];
    if (first !== last) outcome.faults.push(`a checkpoint is ${first} at its start and ${last} at its end`);
    if (Number(first) < done && !saves.lost.has(Number(first))) {
      outcome.faults.push(`checkpoint ${first} was loaded after ${done} was saved`);
    }
  };

  const seen = agents.map((agent) => follow(agent, outcome));
  const move = (): void => {
    const agent = pick(agents);
    watch(agent.switchWorkspace(pick(["test", "other", "third"])), () => outcome.moves++);
  };

  const verbs: [number, () => void][] = [
    [0.25, count],
    [0.45, write],
    [0.55, read],
    [0.65, collect],
    [0.7, guard],
    [0.8, save],
    [0.85, load],
    [1, move],
  ];
  for (let at = 0; at < steps; at++) {
    if (chance.next() < 0.8) {
      for (let burst = 1 + Math.floor(chance.next() * 4); burst > 0; burst--) {
        const dice = chance.next();
        verbs.find(([most]) => dice < most)![1]();
      }
    }
    await breakSomething(fabric, everybody, chance, pick);
    if (chance.next() < 0.6) await fabric.advance(Math.floor(chance.next() * (chance.next() < 0.1 ? 130_000 : 400)));
  }
  for (const client of everybody) fabric.faults.delay(client, 0);
  await fabric.advance("15m");

  if (unsettled !== 0) outcome.faults.push(`${unsettled} promises never settled`);
  const topics = new Set(fabric.gateway.sessions().map(({ topic }) => topic));
  for (const client of everybody) {
    if (client.state !== "ready") outcome.faults.push(`${client.topic} is ${client.state} after everything healed`);
    if (!topics.has(client.topic)) outcome.faults.push(`the gateway does not know ${client.topic}`);
  }
  if (topics.size !== everybody.length) outcome.faults.push(`${topics.size} identities of ${everybody.length} clients`);
  for (const agent of agents) {
    const { success } = await agent.kv().list();
    if (!success || agent.topic.split("::")[1] !== agent.workspace) {
      outcome.faults.push(`${agent.topic} is in ${agent.workspace}`);
    }
  }

  const kv = agents[0].kv();
  const counted = Number(fromUtf8((await kv.get({ ...PLACE, key: "counter" })).value ?? utf8("0")));
  if (counted < counter.done || counted > counter.asked) {
    outcome.faults.push(`the counter is ${counted}: ${counter.done} of ${counter.asked} were confirmed`);
  }
  for (const { key, done, asked } of registers) {
    const { value } = await kv.get({ ...PLACE, key });
    const n = value && Number(fromUtf8(value));
    // An unconfirmed removal may be the last that was done.
    if (n === undefined ? done === asked && done > 0 : n < done) {
      outcome.faults.push(`${key} is ${n}: ${done} of ${asked} was confirmed`);
    }
  }
  const { counterValue } = await kv.setCard({ ...PLACE, key: "set" });
  const least = members.done.size;
  if (Number(counterValue) < least || Number(counterValue) > members.asked.size) {
    outcome.faults.push(`the set has ${counterValue} members: ${least} to ${members.asked.size} were added`);
  }
  check((await workers[0].checkpoint().load()).data, saves.done);
  await fabric.advance(100);
  const there: Record<string, string> = {};
  for await (const { key, value } of kv.list(PLACE)) there[key] = fromUtf8(value);
  for (const one of seen) {
    const [is, should] = [one, there].map((map) => JSON.stringify(Object.entries(map).sort()));
    if (is !== should) outcome.faults.push(`a watcher has seen ${is}, there is ${should}`);
  }
  await fabric[Symbol.asyncDispose]();
  return outcome;
}

/** What a watcher believes to be there; after a gap it begins anew. */
function follow(agent: AgentClient, outcome: StateOutcome): Record<string, string> {
  const believed: Record<string, string> = {};
  agent.onGap(({ topic }) => {
    if (!topic?.startsWith("kv ")) return;
    outcome.gaps++;
    for (const key of Object.keys(believed)) delete believed[key];
  });
  (async () => {
    const revisions = new Map<string, number>();
    for await (const { key, value, revision } of agent.kv().watch({ ...PLACE, keyPrefix: "" })) {
      if (revision < (revisions.get(key) ?? 0)) outcome.faults.push(`${key} went back to ${revision}`);
      revisions.set(key, revision);
      if (value) believed[key] = fromUtf8(value);
      else delete believed[key];
    }
  })().catch((error) => outcome.faults.push(`a watch ended: ${error}`));
  return believed;
}

async function breakSomething(
  fabric: TestFabric,
  clients: AetherClient[],
  chance: { next(): number },
  pick: <T>(items: readonly T[]) => T,
): Promise<void> {
  const dice = chance.next();
  if (dice < 0.1) fabric.faults.cut(pick(clients));
  else if (dice < 0.15) fabric.faults.halfOpen(pick(clients));
  else if (dice < 0.25) fabric.faults.delay(pick(clients), Math.floor(chance.next() * 300));
  else if (dice < 0.3) fabric.faults.drop(pick(clients), 1 + Math.floor(chance.next() * 3));
  else if (dice < 0.34) await fabric.faults.restartGateway();
  else if (dice < 0.37) {
    fabric.faults.killGateway();
    await fabric.advance(Math.floor(chance.next() * 2000));
    await fabric.faults.restartGateway();
  }
}
