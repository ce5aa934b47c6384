import { AdminClient, type TaskClient } from "../../mod.ts";
import { tokenAuth } from "../../src/gateway/mod.ts";
import { type TestFabric, testFabric } from "../../src/testing/mod.ts";
import { createWorker, defineTask } from "../../src/worker/mod.ts";
import type { Case } from "../harness.ts";
import { equal, rejects } from "./assert.ts";

function run(name: string, body: (fabric: TestFabric, admin: AdminClient) => Promise<void>): Case {
  return {
    name,
    async run() {
      const auth = tokenAuth({ bootstrapKey: "root", keys: [{ key: "plain" }] });
      await using fabric = await testFabric({ seed: 1, auth });
      const root = fabric.service({ credentials: { "x-api-key": "root" } });
      await root.connect();
      await body(fabric, new AdminClient(root));
    },
  };
}

const plain = { credentials: { "x-api-key": "plain" } };

/** Audit events, and what administrators do to many tasks at once. */
export const cases: Case[] = [
  run("audit: an event is kept as it was, with who and when, and without secrets", async (fabric, admin) => {
    const agent = fabric.agent(plain);
    await agent.connect();
    const metadata = { workflowId: "abc-123", apiKey: "k", deep: { password: "p", list: [{ token: "t", n: 1 }] } };
    const taken = await agent.submitAuditEvent({ eventType: "message", operation: "completed_step", metadata });
    equal(taken, { success: true });
    const { events } = await admin.queryAudit();
    const { id, at, ...rest } = events[0];
    equal([typeof id, at], ["string", fabric.clock.now()]);
    equal(rest, {
      actor: agent.topic,
      eventType: "message",
      operation: "completed_step",
      metadata: {
        workflowId: "abc-123",
        apiKey: "[redacted]",
        deep: { password: "[redacted]", list: [{ token: "[redacted]", n: 1 }] },
      },
      success: true,
      workspace: agent.workspace,
    });
  }),
  run("audit: a refusal is an answer, and nothing is kept", async (fabric, admin) => {
    const agent = fabric.agent(plain);
    await agent.connect();
    const event = { eventType: "custom" as const, operation: "x" };
    const codeOf = async (change: Record<string, unknown>): Promise<string | undefined> => {
      const answer = await agent.submitAuditEvent({ ...event, ...change } as never);
      equal([answer.success, typeof answer.errorMessage], [false, "string"]);
      return answer.errorCode;
    };
    equal(await codeOf({ eventType: "auth" }), "ERR_AUDIT_TYPE_FORBIDDEN");
    equal(await codeOf({ workspace: "elsewhere" }), "ERR_PERMISSION_DENIED");
    for (const change of [{ operation: "" }, { operation: 7 }, { metadata: "text" }, { success: "yes" }]) {
      equal(await codeOf(change), "ERR_INVALID_ARGUMENT", JSON.stringify(change));
    }
    equal(await codeOf({ metadata: { text: "x".repeat(20_000) } }), "ERR_INVALID_ARGUMENT");
    equal((await admin.queryAudit()).events, []);
    await rejects(new AdminClient(agent).queryAudit(), "PermissionDeniedError");
  }),
  run("audit: a hundred a second are taken, and again after a second", async (fabric, admin) => {
    const agent = fabric.agent(plain);
    await agent.connect();
    const submit = async (): Promise<number> => {
      const answers = await Promise.all(
        Array.from({ length: 150 }, (_, n) => agent.submitAuditEvent({ eventType: "custom", operation: `n${n}` })),
      );
      const codes = answers.map(({ errorCode }) => errorCode ?? "none");
      equal([...new Set(codes)].sort(), ["ERR_AUDIT_RATE_LIMITED", "none"]);
      return answers.filter(({ success }) => success).length;
    };
    equal(await submit(), 100);
    await fabric.advance("1s");
    equal(await submit(), 100);
    equal((await admin.queryAudit({ limit: 500 })).events.length, 200);
  }),
  run(
    "audit: events are found by what they are, newest first, a page at a time, until they are too old",
    async (fabric, admin) => {
      const agent = fabric.agent(plain);
      await agent.connect();
      const begin = fabric.clock.now();
      for (let n = 0; n < 6; n++) {
        await agent.submitAuditEvent({
          eventType: n % 2 ? "task" : "kv",
          operation: `n${n}`,
          success: n < 4,
          resourceId: "r",
        });
        await fabric.advance("1h");
      }
      const found = async (query: Parameters<AdminClient["queryAudit"]>[0]): Promise<string> =>
        (await admin.queryAudit(query)).events.map(({ operation }) => operation).join(" ");
      equal(await found({}), "n5 n4 n3 n2 n1 n0");
      equal(await found({ eventType: "kv" }), "n4 n2 n0");
      equal(await found({ onlyFailures: true }), "n5 n4");
      equal(await found({ operation: "n3", actor: agent.topic, workspace: agent.workspace }), "n3");
      equal(await found({ actor: "ag::x::y::z" }), "");
      equal(await found({ since: begin + 2 * 3600_000, until: begin + 4 * 3600_000 }), "n3 n2");
      const first = await admin.queryAudit({ limit: 4 });
      equal(first.events.length, 4);
      equal(await found({ limit: 4, cursor: first.nextCursor }), "n1 n0");
      await fabric.advance("7d");
      equal(await found({}), "");
    },
  ),
  run("admin: tasks are cancelled and begun anew by filter, a pool is stopped and goes on", async (fabric, admin) => {
    const task = defineTask({ type: "t", implementation: "pool", run: () => "done" });
    const agent = fabric.agent(plain);
    const worker = fabric.task({ ...plain, implementation: "pool" }) as TaskClient;
    await Promise.all([agent.connect(), worker.connect()]);
    const pool = { implementation: "pool", workspace: agent.workspace };
    equal((await admin.pausePool(pool)).isPaused, true);
    await using running = createWorker(worker, { tasks: [task], slots: 2 });
    await running.ready();
    const handles = await Promise.all([1, 2, 3].map((input) => agent.createTask({ task, input })));
    await fabric.advance("1s");
    const { queued, workers, busy } = await admin.getPool(pool);
    equal([queued, workers, busy], [3, 1, 0]);
    equal(await admin.cancelTasks({ workspace: agent.workspace, implementation: "pool" }, "enough"), 3);
    equal(await admin.cancelTasks({ workspace: agent.workspace, implementation: "pool" }), 0);
    equal(await admin.retryTasks({ workspace: agent.workspace, status: "cancelled" }), 3);
    equal((await admin.resumePool(pool)).isPaused, false);
    await fabric.advance("1s");
    equal(await Promise.all(handles.map((handle) => handle.result())), ["done", "done", "done"]);
  }),
];
