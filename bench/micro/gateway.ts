/** The gateway's path of a message, without sockets: route, number, keep, deliver, handled. */
import { utf8 } from "../../src/base/bytes.ts";
import type { Consumer, Listener } from "../../src/gateway/consumer.ts";
import { Lane } from "../../src/gateway/lane.ts";
import { Router } from "../../src/gateway/router.ts";
import type { Session } from "../../src/gateway/session.ts";
import { Limiter } from "../../src/gateway/tasks/limiter.ts";
import { TaskQueue } from "../../src/gateway/tasks/queue.ts";
import type { TaskState } from "../../src/gateway/tasks/record.ts";
import { liveTask, type Task } from "../../src/gateway/tasks/task.ts";
import { FrameWriter, MessageView, readSend } from "../../src/protocol/frames.ts";
import { benchCore } from "../lib/core.ts";
import { payload } from "../lib/scenario.ts";
import type { MicroCase } from "./loop.ts";

const TARGET = "ag::prod::worker::inst-2";
const NONE = new Uint8Array(0);
/** Tasks that wait while others come and go. */
const WAITING = 1000;

/** All of them. */
export async function gatewayCases(): Promise<MicroCase[]> {
  return [await routerSend(), await laneQueue(), taskQueue()];
}

/** Somebody who takes everything and has handled it when asked. */
class Taker implements Listener {
  readonly topic = TARGET;
  readonly connected = true;
  last = 0;

  hasRoom(): boolean {
    return true;
  }
  offer(_: Consumer, sequence: number): boolean {
    this.last = sequence;
    return true;
  }
  broadcast(): void {}
  gap(): void {}
  fail(error: unknown): void {
    throw error;
  }
}

async function routerSend(): Promise<MicroCase> {
  const { core } = benchCore();
  const router = new Router(core, () => undefined, () => []);
  const taker = new Taker();
  const lane = router.lane(TARGET, "identity");
  const consumer = await lane.attach(taker, TARGET);
  let receipts = 0;
  const topic = "ag::prod::worker::inst-1";
  const sender = {
    identity: { type: "agent", workspace: "prod", implementation: "worker", specifier: "inst-1" },
    topic,
    topicBytes: utf8(topic),
    workspace: "prod",
    workspaceBytes: utf8("prod"),
    producerKey: "producer",
    producerBytes: utf8("producer-000"),
    receipt: () => void receipts++,
    reject: (_: number, error: unknown) => {
      throw error;
    },
  } as unknown as Session;
  const writer = new FrameWriter(0);
  writer.send(0, 1, 0, utf8(TARGET), NONE, NONE, payload());
  const frame = writer.take();
  const view = new MessageView();
  let number = 0;
  const run = (times: number): void => {
    for (let at = 1; at <= times; at++) {
      readSend(frame, 0, frame.length, view);
      view.number = ++number;
      router.send(sender, view);
      if (at % 16 === 0) lane.handled(consumer, taker.last);
    }
    lane.handled(consumer, taker.last);
    if (receipts !== number) throw new Error("a message was not taken");
  };
  return { name: "router_send", run };
}

async function laneQueue(): Promise<MicroCase> {
  const { core } = benchCore();
  const lane = new Lane(core, "tb::prod::pool", "queue");
  const takers = Array.from({ length: 4 }, () => new Taker());
  const consumers = await Promise.all(takers.map((taker, at) => lane.attach(taker, `worker ${at}`)));
  const bytes = payload();
  const run = (times: number): void => {
    for (let at = 0; at < times; at++) {
      lane.publish(bytes.slice(), at, 0, undefined);
      for (const consumer of consumers) if (consumer.working) lane.handled(consumer, consumer.working);
    }
  };
  return { name: "lane_queue", run };
}

function taskQueue(): MicroCase {
  const queue = new TaskQueue(new Limiter(), () => {});
  const tasks: Task[] = Array.from({ length: WAITING }, (_, at) => {
    const state = { id: String(at), priority: at % 3, concurrency: { key: `k${at % 10}` } };
    return liveTask(state as unknown as TaskState);
  });
  for (const task of tasks) queue.push(task);
  const run = (times: number): void => {
    for (let at = 0; at < times; at++) {
      const task = queue.peek(0)!;
      queue.shift();
      queue.push(task);
    }
  };
  return { name: "task_queue", run };
}
