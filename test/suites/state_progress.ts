import { type AetherClient, ProgressKind, type ProgressReport, type ProgressUpdate } from "../../mod.ts";
import { testFabric } from "../../src/testing/mod.ts";
import type { Case } from "../harness.ts";
import { equal, rejects } from "./assert.ts";
import { bytes, connected, outcome } from "./state_kit.ts";

function hears(client: AetherClient): ProgressUpdate[] {
  const updates: ProgressUpdate[] = [];
  client.onProgress((update) => void updates.push(update));
  return updates;
}

/** Progress reports. */
export const cases: Case[] = [
  {
    name: "progress: a report arrives with all it says, who said it and when",
    async run() {
      await using fabric = await testFabric({ seed: 1 });
      const [agent, listener] = await connected(fabric.agent(), fabric.agent());
      const heard = hears(listener);
      const report: ProgressReport = {
        taskId: "t-1",
        state: "running",
        completion: 0.5,
        summary: "half of it",
        stepName: "read",
        stepDetail: "file 5",
        stepSequence: 5,
        stepTotal: 10,
        stepType: "io",
        requestId: "r-1",
        metadata: { trace: "a" },
        kind: ProgressKind.App,
      };
      await agent.reportProgress(report);
      await agent.reportProgress({ completion: -1 });
      await fabric.advance(10);
      const about = { sourceTopic: agent.topic, workspace: "test", timestampMs: fabric.clock.now() };
      const sorted = (value: object): unknown => Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
      equal(sorted({ ...heard[0], timestampMs: 0 }), sorted({ ...report, ...about, timestampMs: 0 }));
      equal([heard[1].completion, heard.length], [-1, 2]);
    },
  },
  {
    name: "progress: without a recipient all users and agents of the workspace hear it, but for who said it",
    async run() {
      await using fabric = await testFabric({ seed: 2 });
      const people: Record<string, AetherClient> = {
        reporter: fabric.agent(),
        agent: fabric.agent(),
        tab1: fabric.user({ userId: "ada", windowId: "1" }),
        tab2: fabric.user({ userId: "ada", windowId: "2" }),
        bob: fabric.user({ userId: "bob" }),
        lone: fabric.user({ workspace: undefined }),
        abroad: fabric.agent({ workspace: "other" }),
        guest: fabric.user({ workspace: "other" }),
        task: fabric.task({ uniqueSpecifier: "u" }),
        worker: fabric.task(),
        service: fabric.service(),
      };
      await connected(...Object.values(people));
      const heard = Object.entries(people).map(([name, client]) => [name, hears(client)] as const);
      const hearers = (): string =>
        heard.filter(([, list]) => list.splice(0).length > 0).map(([name]) => name).join(" ");
      const report = async (from: AetherClient, recipient?: string): Promise<string> => {
        const result = await outcome(from.reportProgress({ state: "running", recipient }));
        await fabric.advance(10);
        return result === null || result === undefined ? hearers() : String(result);
      };
      equal(await report(people.reporter), "agent tab1 tab2 bob");
      equal(await report(people.reporter, ""), "agent tab1 tab2 bob");
      equal(await report(people.worker), "reporter agent tab1 tab2 bob");
      equal(await report(people.reporter, "us::ada"), "tab1 tab2");
      equal(await report(people.reporter, "us::ada::2"), "tab2");
      equal(await report(people.reporter, people.task.topic), "task");
      equal(await report(people.reporter, people.worker.topic), "worker");
      equal(await report(people.reporter, people.service.topic), "service");
      equal(await report(people.reporter, people.reporter.topic), "", "not to itself");
      equal(await report(people.reporter, "us::nobody"), "");
      equal(await report(people.reporter, people.abroad.topic), "PermissionDeniedError");
      equal(await report(people.service, people.abroad.topic), "abroad");
      equal(await report(people.service), "InvalidArgumentError");
      equal(await report(people.bob), "PermissionDeniedError");
      for (const wrong of ["us::", "us::a::b::c", "ga::test", "sv::service", "pg::test", "nonsense", "uu::ada"]) {
        equal(await report(people.reporter, wrong), "InvalidArgumentError", wrong);
      }
      await (people.guest as ReturnType<typeof fabric.user>).switchWorkspace("test");
      await (people.bob as ReturnType<typeof fabric.user>).switchWorkspace("other");
      equal(await report(people.reporter), "agent tab1 tab2 guest", "those who are there now");
    },
  },
  {
    name: "progress: reports that come faster than they go are joined to the latest, and the last one always arrives",
    async run() {
      await using fabric = await testFabric({ seed: 3 });
      const [agent, listener] = await connected(fabric.agent(), fabric.agent());
      const heard = hears(listener);
      const promises: Promise<void>[] = [];
      for (let n = 1; n <= 1000; n++) promises.push(agent.reportProgress({ taskId: "a", completion: n / 1000 }));
      promises.push(agent.reportProgress({ taskId: "b", completion: 1 }));
      await Promise.all(promises);
      await fabric.advance(10);
      const of = (taskId: string) => heard.filter((one) => one.taskId === taskId).map(({ completion }) => completion);
      equal([of("a"), of("b")], [[0.001, 1], [1]]);
    },
  },
  {
    name: "progress: one who is slow or away gets the latest of each piece of work when it is back, in order",
    async run() {
      await using fabric = await testFabric({ seed: 4 });
      const [agent, away, late] = await connected(
        fabric.agent(),
        fabric.agent({ reconnectDelay: 5_000 }),
        fabric.agent(),
      );
      const [awayHeard, lateHeard] = [hears(away), hears(late)];
      fabric.faults.cut(away);
      fabric.faults.delay(late, 5_000);
      // More than half of a window is on its way to the late one.
      for (let n = 0; n < 3; n++) await agent.sendToAgent("test", "agent", late.specifier, new Uint8Array(300_000));
      for (let n = 1; n <= 50; n++) {
        await agent.reportProgress({ taskId: n % 2 ? "odd" : "even", completion: n / 50 });
        await fabric.advance(1);
      }
      equal([awayHeard.length, lateHeard.length], [0, 0]);
      late.onMessage(() => {});
      await fabric.advance("1m");
      const told = (list: ProgressUpdate[]) => list.map(({ taskId, completion }) => `${taskId} ${completion}`);
      equal(told(awayHeard), ["odd 0.98", "even 1"]);
      equal(told(lateHeard).slice(-2), ["odd 0.98", "even 1"]);
      equal(lateHeard.length < 10, true, `${lateHeard.length} reports`);
      fabric.faults.delay(late, 0);
    },
  },
  {
    name: "progress: more pieces of work than are kept for somebody are said as a gap",
    async run() {
      await using fabric = await testFabric({ seed: 5, limits: { broadcastQueue: 10 } });
      const [agent, away] = await connected(fabric.agent(), fabric.agent({ reconnectDelay: 5_000 }));
      const heard = hears(away);
      let missed = 0;
      away.onGap((gap) => void (missed += gap.missed ?? 0));
      fabric.faults.cut(away);
      await fabric.advance(10);
      for (let n = 0; n < 25; n++) await agent.reportProgress({ taskId: `t${n}`, completion: 1 });
      await fabric.advance("1m");
      equal([heard.length, missed, heard[0].taskId], [10, 15, "t15"]);
    },
  },
  {
    name: "progress: cuts, silence, kills and a while without a gateway do not lose the last report",
    async run() {
      await using fabric = await testFabric({ seed: 6 });
      const base = { reconnectDelay: 100, maxReconnectDelay: 1000 };
      const [agent, listener] = await connected(fabric.agent(base), fabric.agent(base));
      const heard = hears(listener);
      const faults: (() => unknown)[] = [
        () => fabric.faults.cut(agent),
        () => fabric.faults.halfOpen(agent),
        () => fabric.faults.killGateway(),
        () => fabric.faults.drop(agent, 1),
      ];
      for (const [round, fault] of faults.entries()) {
        fabric.faults.delay(agent, 5);
        const reports: Promise<void>[] = [];
        for (let n = 0; n < 10; n++) {
          reports.push(agent.reportProgress({ taskId: "t", state: `${round} ${n}` }));
          await fabric.advance(3);
          if (n === 8) await fault();
        }
        fabric.faults.delay(agent, 0);
        await fabric.advance("3m");
        if (round === 2) await fabric.faults.restartGateway();
        await fabric.advance("3m");
        await Promise.all(reports);
        equal(heard.at(-1)?.state, `${round} 9`);
      }
    },
  },
  {
    name: "progress: what is wrong is refused with the field, and what follows it goes on",
    async run() {
      await using fabric = await testFabric({ seed: 7 });
      const [agent, listener] = await connected(fabric.agent(), fabric.agent());
      const heard = hears(listener);
      const errors: unknown[] = [];
      agent.onError((error) => void errors.push(error.name));
      const wrong: [field: string, report: Record<string, unknown>][] = [
        ["completion", { completion: 1.1 }],
        ["completion", { completion: -0.5 }],
        ["completion", { completion: NaN }],
        ["completion", { completion: "1" }],
        ["stepSequence", { stepSequence: -1 }],
        ["stepTotal", { stepTotal: 1.5 }],
        ["kind", { kind: 4 }],
        ["state", { state: "x".repeat(257) }],
        ["summary", { summary: "x".repeat(4097) }],
        ["taskId", { taskId: 7 }],
        ["metadata.a", { metadata: { a: 1 } }],
        ["metadata", { metadata: Object.fromEntries(Array.from({ length: 33 }, (_, n) => [String(n), ""])) }],
      ];
      for (const [field, report] of wrong) {
        const [refused, fine] = [agent.reportProgress(report), agent.reportProgress({ ...report, ...good(report) })];
        equal((await rejects(refused, "InvalidArgumentError")).argument, field);
        await fine;
      }
      await rejects(agent.reportProgress({ summary: bytes("no text") as never }), "InvalidArgumentError");
      await fabric.advance(10);
      equal([heard.length, errors.length], [wrong.length, wrong.length + 1]);
    },
  },
];

/** The same report with nothing wrong in it. */
function good(report: Record<string, unknown>): ProgressReport {
  return Object.fromEntries(Object.keys(report).map((key) => [key, key === "taskId" ? "t" : undefined]));
}
