import type { Case } from "../harness.ts";
import { equal, rejects } from "./assert.ts";
import { bytes, connected, text } from "./state_kit.ts";
import { act, call, eventsOf, infoOf, make, statusOf, storyOf, taskWorld } from "./task_kit.ts";

/** Tasks on which nobody works until something happens. */
export const cases: Case[] = [
  {
    name: "wait: for input: its worker is free meanwhile, and a worker gets it again with what was brought",
    async run() {
      await using world = await taskWorld();
      const { fabric, desk, worker } = world;
      const [asking, other] = [await make(desk, { payload: bytes("ask") }), await make(desk)];
      const { status } = await worker.settle({ kind: "waiting", wait: { for: "input", reason: "which one?" } });
      equal(status, "waiting_input");
      await fabric.advance(0);
      equal(await statusOf(desk, asking, other), ["waiting_input", "running"]);
      equal((await infoOf(desk, asking)).reason, "which one?");
      equal((await act(desk, asking, "resume", { input: bytes("that one") })).status, "pending");
      await rejects(act(desk, asking, "resume"), "ConflictError");
      await worker.complete();
      await fabric.advance(0);
      const { last } = worker;
      equal([last.taskId, last.attempt, text(last.payload), text(last.input)], [asking, 2, "ask", "that one"]);
      equal((await worker.complete()).isAccepted, true);
      equal(await storyOf(desk, asking), [
        ...["pending", "assigned", "running", "waiting_input", "pending", "assigned", "running", "completed"],
      ]);
    },
  },
  {
    name: "wait: what was brought is there for a retry too, and gone with the next wait",
    async run() {
      await using world = await taskWorld();
      const { fabric, desk, worker } = world;
      const taskId = await make(desk, { retry: { maxAttempts: 3, scheduleMs: [10] } });
      await worker.settle({ kind: "waiting", wait: { for: "input" } });
      await act(desk, taskId, "resume", { input: bytes("x") });
      await fabric.advance(0);
      await worker.fail();
      await fabric.advance(10);
      equal(text(worker.last.input), "x");
      await worker.settle({ kind: "waiting", wait: { for: "authority" } });
      equal(await statusOf(desk, taskId), ["waiting_authority"]);
      await act(desk, taskId, "resume");
      await fabric.advance(0);
      equal(worker.last.input, undefined);
    },
  },
  {
    name: "wait: anybody who may can take a task from its worker, refuse it, or cancel it while it waits",
    async run() {
      await using world = await taskWorld({ slots: 3 });
      const { fabric, desk, worker } = world;
      const [paused, refused, cancelled] = [await make(desk), await make(desk), await make(desk)];
      equal((await act(desk, paused, "pause", { reason: "look at it" })).status, "waiting_input");
      await fabric.advance(0);
      equal(worker.revoked.map(({ taskId, kind }) => [taskId, kind]), [[paused, "paused"]]);
      equal((await worker.complete(worker.given[0])).isAccepted, false);
      await rejects(act(desk, paused, "pause"), "ConflictError");
      await act(desk, refused, "pause", { wait: { for: "authority" } });
      equal((await act(desk, refused, "reject", { reason: "no right" })).status, "rejected");
      await act(desk, cancelled, "pause", { wait: { for: "hibernation", wakeAt: fabric.clock.now() + 1000 } });
      await rejects(act(desk, cancelled, "reject"), "ConflictError");
      await act(desk, cancelled, "cancel");
      await act(desk, paused, "resume");
      await fabric.advance("2s");
      equal(await statusOf(desk, paused, refused, cancelled), ["running", "rejected", "cancelled"]);
    },
  },
  {
    name: "hibernate: it wakes at its moment, by an event, by a task's completion event, or when somebody says so",
    async run() {
      await using world = await taskWorld({ slots: 9 });
      const { fabric, desk, worker } = world;
      const [other] = await connected(fabric.agent({ workspace: "other" }));
      const sleep = async (wait: { wakeAt?: number; wakeOnEvents?: string[] }): Promise<string> => {
        const taskId = await make(desk);
        await worker.settle({ kind: "waiting", wait: { for: "hibernation", ...wait } }, worker.last);
        return taskId;
      };
      const timed = await sleep({ wakeAt: fabric.clock.now() + 60_000 });
      const evented = await sleep({ wakeOnEvents: ["order.paid", "order.lost"] });
      const chained = await sleep({ wakeOnEvents: ["task.completed"] });
      const told = await sleep({});
      const ids = [timed, evented, chained, told];
      equal(await statusOf(desk, ...ids), Array(4).fill("hibernated"));
      await other.sendEvent(bytes(JSON.stringify({ event_names: ["order.paid"] })));
      await desk.sendEvent(bytes("no JSON"));
      await desk.sendEvent(bytes(JSON.stringify({ type: "order.made" })));
      await fabric.advance(10);
      equal(await statusOf(desk, ...ids), Array(4).fill("hibernated"));
      await desk.sendEvent(bytes(JSON.stringify({ event_names: ["order.lost"] })));
      await fabric.advance(10);
      equal(await statusOf(desk, evented), ["running"]);
      equal(
        (await eventsOf(desk, evented)).some((one) => "reason" in one && one.reason === "its event has come"),
        true,
      );
      // A platform principal says which workspace its event is about.
      const [service] = await connected(fabric.service());
      const byService = await sleep({ wakeOnEvents: ["sync.done"] });
      const done = bytes(JSON.stringify({ name: "sync.done" }));
      await service.send({ targetTopic: "event::other", payload: done });
      await fabric.advance(10);
      equal(await statusOf(desk, byService), ["hibernated"]);
      await service.send({ targetTopic: "event::test", payload: done });
      await fabric.advance(10);
      equal(await statusOf(desk, byService), ["running"]);
      const ending = await make(desk, { completionEvent: {} });
      await worker.complete(worker.last);
      await fabric.advance(10);
      equal(await statusOf(desk, ending, chained), ["completed", "running"]);
      await act(desk, told, "resume");
      await fabric.advance(59_930);
      equal(await statusOf(desk, timed, told), ["hibernated", "running"]);
      await fabric.advance(50);
      equal(await statusOf(desk, timed), ["running"]);
    },
  },
  {
    name: "wait: one that lasts too long fails, goes on, or counts as a failed attempt, as it was said",
    async run() {
      await using world = await taskWorld({ slots: 9 });
      const { fabric, desk, worker } = world;
      const wait = async (onTimeout?: "fail" | "retry" | "resume"): Promise<string> => {
        const taskId = await make(desk, { retry: { maxAttempts: 2, scheduleMs: [500] } });
        await worker.settle({ kind: "waiting", wait: { for: "input", timeoutMs: 1000, onTimeout } }, worker.last);
        return taskId;
      };
      const [failing, resumed, retried] = [await wait(), await wait("resume"), await wait("retry")];
      await fabric.advance(999);
      equal(await statusOf(desk, failing, resumed, retried), Array(3).fill("waiting_input"));
      await fabric.advance(1);
      equal(await statusOf(desk, failing, resumed, retried), ["failed", "running", "pending"]);
      equal((await infoOf(desk, failing)).error?.name, "TimeoutError");
      await fabric.advance(500);
      equal(await statusOf(desk, retried), ["running"]);
      // The second time is the last.
      await worker.settle(
        { kind: "waiting", wait: { for: "input", timeoutMs: 1000, onTimeout: "retry" } },
        worker.last,
      );
      await fabric.advance("1s");
      const { status, failures } = await infoOf(desk, retried);
      equal([status, failures], ["dead", 2]);
    },
  },
  {
    name: "wait: it lasts over restarts, and what it waits for comes all the same",
    async run() {
      await using world = await taskWorld({ slots: 9 });
      const { fabric, desk, worker } = world;
      const wait = async (more: { wakeAt?: number; wakeOnEvents?: string[]; timeoutMs?: number }): Promise<string> => {
        const taskId = await make(desk);
        await worker.settle({ kind: "waiting", wait: { for: "hibernation", ...more } }, worker.last);
        return taskId;
      };
      const timed = await wait({ wakeAt: fabric.clock.now() + 10_000 });
      const evented = await wait({ wakeOnEvents: ["go"] });
      const late = await wait({ timeoutMs: 20_000 });
      fabric.faults.killGateway();
      await fabric.advance("5s");
      await fabric.faults.restartGateway();
      await fabric.advance("4s");
      equal(await statusOf(desk, timed, evented, late), Array(3).fill("hibernated"));
      await desk.sendEvent(bytes(JSON.stringify({ name: "go" })));
      await fabric.advance("2s");
      equal(await statusOf(desk, timed, evented, late), ["running", "running", "hibernated"]);
      await fabric.advance("10s");
      equal(await statusOf(desk, late), ["failed"]);
    },
  },
  {
    name: "wait: for other tasks: it goes on when they are completed, and cannot wait for itself",
    async run() {
      await using world = await taskWorld({ slots: 9 });
      const { fabric, desk, worker } = world;
      const [a, b, c] = [await make(desk), await make(desk), await make(desk)];
      const [first, second, third] = worker.given;
      const on = (...dependsOn: string[]) => ({ kind: "waiting", wait: { for: "dependency", dependsOn } }) as const;
      await rejects(worker.settle(on(a), first), "InvalidArgumentError");
      await worker.settle(on(b), first);
      await worker.settle(on(c), second);
      await rejects(worker.settle(on(b, a), third), "InvalidArgumentError");
      await rejects(act(desk, c, "pause", { wait: { for: "dependency", dependsOn: [a] } }), "InvalidArgumentError");
      equal(await statusOf(desk, a, b, c), ["waiting_dependency", "waiting_dependency", "running"]);
      await worker.complete(third);
      await fabric.advance(0);
      equal(await statusOf(desk, a, b, c), ["waiting_dependency", "running", "completed"]);
      await worker.fail(worker.last);
      equal(await statusOf(desk, a, b), ["failed", "failed"]);
      equal((await infoOf(desk, a)).error?.name, "DependencyError");
      const unknown = await make(desk);
      await rejects(worker.settle(on("0".repeat(19)), worker.last), "NotFoundError");
      equal(await statusOf(desk, unknown), ["running"]);
      equal((await call(desk, "task.get", { taskId: a })).task?.dependsOn, [b]);
    },
  },
];
