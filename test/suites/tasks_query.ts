import type { TaskStatus } from "../../src/protocol/task_states.ts";
import type { TaskFilter } from "../../src/protocol/tasks.ts";
import type { AetherClient } from "../../src/client/aether_client.ts";
import type { Case } from "../harness.ts";
import { equal, rejects } from "./assert.ts";
import { bytes, connected, text } from "./state_kit.ts";
import { act, call, create, hands, make, statusOf, taskWorld } from "./task_kit.ts";

async function found(client: AetherClient, filter: TaskFilter = {}): Promise<string[]> {
  return (await call(client, "task.query", { filter })).tasks.map(({ taskId }) => taskId);
}

/** Which tasks there are, and who may know. */
export const cases: Case[] = [
  {
    name: "query: by every filter, newest first, and by several at once",
    async run() {
      await using world = await taskWorld({ slots: 0 });
      const { fabric, desk, worker } = world;
      const [other] = await connected(fabric.agent({ specifier: "other" }));
      const start = fabric.clock.now();
      const a = await make(desk, { type: "a", priority: 40, correlationId: "c1" });
      await fabric.advance(1000);
      const b = await make(other, { type: "b", implementation: "else", taskClass: "batch" });
      const c = await make(desk, { parentTaskId: a, correlationId: "c1" });
      const d = await make(desk, { parentTaskId: c });
      await act(desk, d, "cancel");
      await worker.announce({ slots: 1, types: ["a"] });
      await fabric.advance(0);
      const rows: [TaskFilter, string[]][] = [
        [{}, [d, c, b, a]],
        [{ status: "running" }, [a]],
        [{ status: ["running", "cancelled"] }, [d, a]],
        [{ excludeStatus: "cancelled" }, [c, b, a]],
        [{ excludeStatus: ["cancelled", "running"] }, [c, b]],
        [{ taskType: "b" }, [b]],
        [{ implementation: "pool" }, [d, c, a]],
        [{ creator: other.topic }, [b]],
        [{ assignedTo: worker.client.topic }, [a]],
        [{ parentTaskId: c }, [d]],
        [{ rootTaskId: a }, [d, c, a]],
        [{ correlationId: "c1" }, [c, a]],
        [{ taskClass: "batch" }, [b]],
        [{ minPriority: 31 }, [a]],
        [{ createdAfter: start + 1 }, [d, c, b]],
        [{ createdBefore: start + 1 }, [a]],
        [{ workspace: "test", correlationId: "c1", status: "pending" }, [c]],
        [{ workspace: "other" }, []],
      ];
      for (const [filter, expected] of rows) equal(await found(desk, filter), expected, JSON.stringify(filter));
    },
  },
  {
    name: "query: pages go on where the last one ended, while tasks come and go, and none is seen twice or missed",
    async run() {
      await using world = await taskWorld({ slots: 0 });
      const { desk } = world;
      const ids: string[] = [];
      for (let n = 0; n < 25; n++) ids.push(await make(desk));
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await call(desk, "task.query", { limit: 10, cursor });
        seen.push(...page.tasks.map(({ taskId }) => taskId));
        cursor = page.nextCursor;
        await make(desk);
        await act(desk, ids[seen.length % 25], "cancel");
      } while (cursor !== undefined);
      equal(seen, ids.toReversed());
      // A page that looked at many records and found few goes on after them.
      equal((await call(desk, "task.query", { filter: { taskType: "none" } })).nextCursor, undefined);
    },
  },
  {
    name: "query: a page is bounded by bytes too",
    async run() {
      await using world = await taskWorld({ slots: 0 });
      const { desk } = world;
      const metadata = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`k${n}`, "x".repeat(4000)]));
      for (let n = 0; n < 12; n++) await make(desk, { metadata });
      const page = await call(desk, "task.query", { limit: 1000 });
      equal([page.tasks.length < 12, page.nextCursor !== undefined], [true, true]);
      const rest = await call(desk, "task.query", { limit: 1000, cursor: page.nextCursor });
      equal(page.tasks.length + rest.tasks.length >= 10, true);
    },
  },
  {
    name:
      "visible: in a workspace to all of it, elsewhere to its maker and its worker; for others there is no such task",
    async run() {
      await using world = await taskWorld({ slots: 0 });
      const { fabric, desk } = world;
      const [stranger, user, guest, service] = await connected(
        fabric.agent({ workspace: "other" }),
        fabric.user(),
        fabric.user({ workspace: "other" }),
        fabric.service(),
      );
      const taskId = await make(desk);
      const byService = await make(service, { workspace: "test" });
      for (const client of [desk, user, service]) {
        equal(await statusOf(client, taskId, byService), ["pending", "pending"]);
      }
      for (const client of [stranger, guest]) {
        equal(await call(client, "task.get", { taskId, withPayload: true }), {});
        equal(await found(client, { workspace: "test" }), []);
        for (const action of ["cancel", "retry", "pause", "resume", "reject", "start"] as const) {
          await rejects(act(client, taskId, action), "NotFoundError");
        }
        await rejects(call(client, "task.result", { taskId }), "NotFoundError");
        await rejects(call(client, "task.events", { taskId, after: 0 }), "NotFoundError");
        await rejects(create(client, { workspace: "test" }), "PermissionDeniedError");
        await rejects(
          call(client, "task.pool", { implementation: "pool", workspace: "test", action: "pause" }),
          "PermissionDeniedError",
        );
      }
      equal((await found(service)).length, 2, "of all workspaces");
      // A user makes tasks where it is, and works on none.
      const own = await make(user);
      equal(await statusOf(desk, own), ["pending"]);
      await rejects(call(user, "task.serve", { implementation: "pool", slots: 1 }), "PermissionDeniedError");
      await rejects(create(user, { mode: 0 }), "PermissionDeniedError");
      await rejects(create(service), "InvalidArgumentError");
    },
  },
  {
    name: "visible: who has moved to another workspace sees what it has made, and nothing else of the old one",
    async run() {
      await using world = await taskWorld({ slots: 0 });
      const { fabric, desk } = world;
      const user = fabric.user();
      await user.connect();
      const [own, theirs] = [await make(user), await make(desk)];
      await user.switchWorkspace("new");
      equal((await call(user, "task.get", { taskId: own })).task?.taskId, own);
      equal(await call(user, "task.get", { taskId: theirs }), {});
      equal(await found(user), []);
      equal(await found(user, { workspace: "test" }), [own]);
    },
  },
  {
    name: "rights: principals work where they belong, for their own implementation, and target only what is in reach",
    async run() {
      await using world = await taskWorld({ slots: 0 });
      const { fabric, desk } = world;
      const [metrics, service] = await connected(fabric.metricsBridge(), fabric.service());
      await rejects(call(desk, "task.serve", { implementation: "pool", slots: 1 }), "PermissionDeniedError");
      await rejects(call(desk, "task.serve", { workspace: "other", slots: 1 }), "PermissionDeniedError");
      await rejects(call(service, "task.serve", { implementation: "service", slots: 1 }), "InvalidArgumentError");
      await rejects(
        call(metrics, "task.serve", { implementation: "m", workspace: "test", slots: 1 }),
        "PermissionDeniedError",
      );
      await rejects(create(metrics, { workspace: "test" }), "PermissionDeniedError");
      const taskId = await make(desk);
      equal(await call(metrics, "task.get", { taskId }), {});
      const target = (topic: string) => create(desk, { mode: 1, target: topic });
      await rejects(target("ag::other::agent::x"), "PermissionDeniedError");
      await rejects(target("us::u::w"), "PermissionDeniedError");
      await rejects(target("event::test"), "PermissionDeniedError");
      await rejects(target("what::is::this"), "InvalidArgumentError");
      await rejects(create(desk, { mode: 1 }), "InvalidArgumentError");
      // A service works for the workspaces it names.
      const at = await hands(service, { implementation: "service", workspace: "test", slots: 2 });
      await make(desk, { implementation: "service", payload: bytes("for it") });
      await make(desk, { mode: 1, target: service.topic, payload: bytes("for it alone") });
      await fabric.advance(0);
      equal(at.texts, ["for it", "for it alone"]);
    },
  },
  {
    name: "completion: the workflow engine hears of the ends it was promised, under the names that were given",
    async run() {
      await using world = await taskWorld({ slots: 9 });
      const { fabric, desk, worker } = world;
      const engine = fabric.workflowEngine();
      await engine.connect();
      const heard: Record<string, unknown>[] = [];
      engine.onMessage((message) => void heard.push(JSON.parse(text(message.payload)!)));
      const onStatuses: TaskStatus[] = ["failed", "dead"];
      const ids = [
        await make(desk, { completionEvent: {}, metadata: { a: "1" }, correlationId: "c" }),
        await make(desk, { completionEvent: { name: "mine", onStatuses } }),
        await make(desk, { completionEvent: { name: "mine", onStatuses } }),
        await make(desk),
      ];
      await worker.complete(worker.given[0]);
      await worker.fail(worker.given[1]);
      await worker.complete(worker.given[2]);
      await worker.complete(worker.given[3]);
      await fabric.advance(10);
      equal(heard.map(({ event_names, workspace, source_agent }) => [event_names, workspace, source_agent]), [
        [["task.completed"], "test", desk.topic],
        [["mine"], "test", desk.topic],
      ]);
      equal(heard[0].data, {
        task_id: ids[0],
        status: "completed",
        task_type: "t",
        correlation_id: "c",
        root_task_id: ids[0],
        metadata: { a: "1" },
      });
    },
  },
];
