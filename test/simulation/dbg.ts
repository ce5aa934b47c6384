import { testFabric } from "../../src/testing/fabric.ts";
import { seededRandom } from "../../src/base/ids.ts";
import { fromUtf8, utf8 } from "../../src/base/bytes.ts";
import type { AetherClient } from "../../src/client/aether_client.ts";

/** What a seeded run has seen; `faults` lists every broken promise in words. */
export interface Outcome {
  faults: string[];
  confirmed: number;
  handled: number;
  redelivered: number;
  answered: number;
}

interface Handled {
  session: string;
  n: number;
}

/**
 * One seeded run: principals send, ask, lose their wires in every way, and the gateway restarts under them. Afterwards
 * everything heals and the invariants are looked at: nothing confirmed is lost, nothing is handled twice within a
 * session, each sender's order holds within a session, an identity has one holder, every promise settles.
 */
export async function simulate(seed: number, steps = 60): Promise<Outcome> {
  const chance = seededRandom(seed * 7919 + 1);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(chance.next() * items.length)];
  const outcome: Outcome = { faults: [], confirmed: 0, handled: 0, redelivered: 0, answered: 0 };
  const fabric = await testFabric({ seed }); const logg=(m:string)=>console.log(fabric.clock.now()%1e7,m);
  const base = { reconnectDelay: 200, maxReconnectDelay: 2000 };
  const peers: AetherClient[] = [
    ...Array.from({ length: 2 + Math.floor(chance.next() * 3) }, () => fabric.agent(base)),
    fabric.task({ uniqueSpecifier: "only", ...base }),
    fabric.service(base),
  ];
  const workers = [fabric.task(base), fabric.task(base)];
  const everybody: AetherClient[] = [...peers, ...workers];
  await fabric.advance("1s");

  // receiver → sender → what was handled, in order
  const seen = new Map<AetherClient, Map<string, Handled[]>>();
  const pool = new Map<string, { n: number; by: AetherClient; session: string }[]>();
  const listen = (client: AetherClient): void => {
    const bySender = new Map<string, Handled[]>();
    seen.set(client, bySender);
    const slow = chance.next() < 0.3;
    client.onMessage((message) => {
      const [sender, n] = fromUtf8(message.payload).split(" ");
      const list = bySender.get(sender) ?? [];
      bySender.set(sender, list);
      list.push({ session: client.sessionId, n: Number(n) }); if (client.topic===sender && client.topic.endsWith("a-3")) console.log(fabric.clock.now()%1e7, "HANDLED", n, "seq", message.sequence, client.sessionId.slice(0,5), slow);
      outcome.handled++;
      if (slow) return new Promise<void>((resolve) => fabric.clock.timer(20, resolve));
    });
    client.onRequest((message) => `${message.text()}!`);
  };
  for (const client of everybody) {listen(client); if(client.topic.endsWith("a-3")){client.onStateChange((x)=>logg(x)); client.onConnect((a)=>logg("ack "+a.sessionId.slice(0,5)+" resumed "+a.resumed)); client.onGap((g)=>logg("gap"+JSON.stringify(g)));client.onDisconnect((r)=>logg(r))}}
  void pool;

  const confirmed: { to: AetherClient | "pool"; sender: string; n: number }[] = [];
  const promises: Promise<unknown>[] = [];
  let unsettled = 0;
  let number = 0;
  const watch = (promise: Promise<unknown>): void => {
    unsettled++;
    promises.push(promise.then(() => unsettled--, () => unsettled--));
  };
  const send = (): void => {
    const from = pick(peers);
    const n = ++number;
    const sender = from.topic;
    if (chance.next() < 0.2) {
      watch(
        from.send({ targetTopic: "tb::test::pool", payload: utf8(`${sender} ${n}`) }).then(() =>
          confirmed.push({ to: "pool", sender, n })
        ),
      );
      return;
    }
    const to = pick(peers);
    watch(
      from.send({ targetTopic: to.topic, payload: utf8(`${sender} ${n}`) }).then(() =>
        confirmed.push({ to, sender, n })
      ),
    );
  };
  const ask = (): void => {
    const text = `q${++number}`;
    watch(
      pick(peers).request(pick(peers).topic, utf8(text), { timeout: 10_000 }).then((answer) => {
        outcome.answered++;
        if (answer.text() !== `${text}!`) outcome.faults.push(`request ${text} was answered with ${answer.text()}`);
      }),
    );
  };
  for (let at = 0; at < steps; at++) {
    const dice = chance.next();
    if (dice < 0.55) { for (let burst = 1 + Math.floor(chance.next() * 5); burst > 0; burst--) send(); }
    else if (dice < 0.7) ask();
    else if (dice < 0.78) fabric.faults.cut(pick(everybody));
    else if (dice < 0.82) fabric.faults.halfOpen(pick(everybody));
    else if (dice < 0.87) fabric.faults.delay(pick(everybody), Math.floor(chance.next() * 300));
    else if (dice < 0.91) fabric.faults.drop(pick(everybody), 1 + Math.floor(chance.next() * 3));
    else if (dice < 0.93) {logg("restart");await fabric.faults.restartGateway();}
    else if (dice < 0.94) {
      fabric.faults.killGateway();
      await fabric.advance(Math.floor(chance.next() * 2000));
      {logg("restart");await fabric.faults.restartGateway();}
    }
    if (chance.next() < 0.6) await fabric.advance(Math.floor(chance.next() * (chance.next() < 0.1 ? 70_000 : 400)));
    const topics = fabric.gateway.sessions().map(({ topic }) => topic);
    if (new Set(topics).size !== topics.length) outcome.faults.push(`two holders of one identity after step ${at}`);
  }
  for (const client of everybody) fabric.faults.delay(client, 0);
  await fabric.advance("5m");

  if (unsettled !== 0) outcome.faults.push(`${unsettled} promises never settled`);
  for (const client of everybody) {
    if (client.state !== "ready") outcome.faults.push(`${client.topic} is ${client.state} after everything healed`);
  }
  outcome.confirmed = confirmed.length;
  for (const { to, sender, n } of confirmed) {
    const takers = to === "pool" ? workers : [to];
    if (!takers.some((taker) => seen.get(taker)?.get(sender)?.some((entry) => entry.n === n))) {
      outcome.faults.push(
        `message ${n} of ${sender} to ${to === "pool" ? "the pool" : to.topic} was confirmed and never handled`,
      );
    }
  }
  for (const [client, bySender] of seen) {
    for (const [sender, list] of bySender) {
      const sessions = new Map<string, number>();
      const all = new Set<number>();
      for (const { session, n } of list) {
        const last = sessions.get(session) ?? 0;
        // A worker's queue may hand it an older message that another worker had to give back; twice is never right.
        if (n === last || (n < last && !workers.includes(client as never))) {
          outcome.faults.push(`${client.topic} handled ${n} of ${sender} after ${last} in one session`);
        }
        sessions.set(session, Math.max(last, n));
        if (all.has(n)) outcome.redelivered++;
        all.add(n);
      }
    }
  }
  await fabric[Symbol.asyncDispose]();
  return outcome;
}
