// edge: no Deno, Bun, node: or cloudflare: names
import { InvalidArgumentError, NotFoundError, PermissionDeniedError, QuotaError } from "../errors.ts";
import { NO_BYTES, textAt, utf8 } from "../base/bytes.ts";
import { shortId } from "../base/ids.ts";
import { FrameWriter, MessageView, readSend, RECEIPT_DUPLICATE } from "../protocol/frames.ts";
import { writeDeliver } from "../protocol/frames_down.ts";
import { parseTopic, type Topic } from "../protocol/topics.ts";
import { sendFault } from "./access.ts";
import type { Core } from "./core.ts";
import type { LanePolicy } from "./consumer.ts";
import { Lane } from "./lane.ts";
import { markQueue, type Session } from "./session.ts";

const POLICIES: Record<Topic["lane"], LanePolicy | undefined> = {
  agent: "identity",
  unique_task: "identity",
  task: "identity",
  user: "identity",
  bridge: "identity",
  service: "identity",
  event: "fan_in",
  metric: "fan_in",
  task_broadcast: "queue",
  global_agents: "live",
  global_users: "cursors",
  user_workspace: "cursors",
  user_broadcast: "cursors",
  progress: undefined,
  task_lane: undefined,
  service_any: undefined,
};

/**
 * Frames of lanes share buffers of so many bytes: with buffers of their own making them was two fifths of a relay's time. One
 * that stays keeps all of its buffer, so it is small.
 */
const SLAB_BYTES = 4096;

/** Where messages of one sender to one target go. */
interface Route {
  readonly bytes: Uint8Array;
  readonly topic: Topic;
  readonly text: string;
  readonly lane: Lane | undefined;
  /** The workspace the decision was made in; a switch makes it void. */
  readonly workspace: string | undefined;
}

/** One message: allow → number → keep → deliver. */
export class Router {
  readonly #core: Core;
  readonly #lanes = new Map<string, Lane>();
  readonly #sessions: (topic: string) => Session | undefined;
  readonly #services: (implementation: string) => Iterable<Session>;
  /** The target a sender used last: most senders repeat themselves, and comparing bytes is cheaper than parsing them. */
  readonly #routes = new WeakMap<Session, Route>();
  readonly #encoder = new FrameWriter(SLAB_BYTES);

  constructor(
    core: Core,
    sessions: (topic: string) => Session | undefined,
    services: (implementation: string) => Iterable<Session>,
  ) {
    this.#core = core;
    this.#sessions = sessions;
    this.#services = services;
  }

  /** The lane of a topic, made when it is not there. */
  lane(topic: string, policy: LanePolicy): Lane {
    let lane = this.#lanes.get(topic);
    if (!lane) this.#lanes.set(topic, lane = new Lane(this.#core, topic, policy));
    return lane;
  }

  /** Forgets lanes nobody listens to: what they keep is in the store. */
  sweep(): void {
    for (const [topic, lane] of this.#lanes) {
      if (lane.consumers.length === 0 && lane.policy !== "live") this.#lanes.delete(topic);
    }
  }

  /** Forgets all of them: what was remembered of the store may not be so. */
  forget(): void {
    this.#lanes.clear();
  }

  /** Takes one message. Every send gets exactly one receipt or reject. Hot path. */
  send(session: Session, view: MessageView): void {
    try {
      this.#send(session, view);
      // Who waits for a window of sends works on the first of them while the others are taken; a commit that costs something
      // is worth more than that.
      if (this.#core.store.isVolatile) this.#core.done();
    } catch (error) {
      // Its number stays unused: should the refusal get lost with the session, the message is judged again.
      session.reject(view.number, error);
    }
  }

  #send(session: Session, view: MessageView): void {
    const { store, clock, limits, counters } = this.#core;
    counters.messagesIn++;
    const payload = view.payloadEnd - view.payloadStart;
    if (payload > limits.payloadBytes) {
      throw new QuotaError(`Cannot send a payload of ${payload} bytes: at most ${limits.payloadBytes} are allowed`, {
        retryable: false,
        details: { limit: limits.payloadBytes, current: payload },
      });
    }
    if (view.payloadStart - view.metaStart > limits.metadataBytes) {
      throw new QuotaError(
        `Cannot send metadata of ${
          view.payloadStart - view.metaStart
        } bytes: at most ${limits.metadataBytes} are allowed`,
        { retryable: false },
      );
    }
    const now = clock.now();
    if (view.number === 0) {
      throw new InvalidArgumentError("Cannot take a send with number 0: a producer's messages count from 1");
    }
    const byProducer = view.idStart === view.metaStart;
    const producer = session.producerKey;
    if (view.number <= store.dedupe.producer(producer)) {
      // Numbers only grow, so this one came in an earlier session of the same client, whose receipt was lost.
      counters.duplicates++;
      return session.receipt(RECEIPT_DUPLICATE, view.number, 0);
    }
    const key = byProducer ? "" : `${session.topic} #${textAt(view.bytes, view.idStart, view.metaStart)}`;
    if (!byProducer) {
      const seen = store.dedupe.seen(key);
      if (seen !== undefined) {
        counters.duplicates++;
        store.dedupe.advance(producer, view.number, now);
        return session.receipt(RECEIPT_DUPLICATE, view.number, seen);
      }
    }
    const route = this.#route(session, view);
    const lane = route.lane ?? this.#anyService(route);
    lane.admit(payload);
    const sequence = lane.next();
    const target = route.topic.lane === "event" || route.topic.lane === "metric" ? route.bytes : lane.topicBytes;
    writeDeliver(this.#encoder, view, {
      sequence,
      at: now,
      source: session.topicBytes,
      target,
      workspace: session.workspaceBytes,
      producer: session.producerBytes,
    });
    const frame = this.#encoder.cut();
    if (lane.policy === "queue") markQueue(frame);
    lane.publish(frame, now, view.time > 0 ? now + view.time : 0, session);
    store.dedupe.advance(producer, view.number, now);
    if (!byProducer) store.dedupe.remember(key, sequence, now);
    if (lane.policy === "identity" && lane.consumers.length === 0) {
      this.onAbsent(route.topic, route.text, session.topic);
    }
    if (route.topic.lane === "event") {
      const { workspace } = route.topic;
      this.onEvent(workspace === "*" ? session.workspace ?? "" : workspace, view);
    }
    session.receipt(0, view.number, sequence);
  }

  /** A message of the gateway's own, on behalf of a principal. */
  publish(topic: string, payload: Uint8Array, messageType: number, from: { topic: string; workspace: string }): void {
    const parsed = parseTopic(topic);
    const lane = this.#target(parsed, topic);
    if (!lane) throw new InvalidArgumentError(`Cannot publish to "${topic}"`, "topic");
    const now = this.#core.clock.now();
    const send = new FrameWriter(0);
    send.send(messageType, 0, 0, utf8(topic), utf8(shortId(this.#core.random)), NO_BYTES, payload);
    const bytes = send.take();
    const view = new MessageView();
    readSend(bytes, 0, bytes.length, view);
    writeDeliver(this.#encoder, view, {
      sequence: lane.next(),
      at: now,
      source: utf8(from.topic),
      target: utf8(topic),
      workspace: utf8(from.workspace),
      producer: NO_BYTES,
    });
    lane.publish(this.#encoder.cut(), now, 0, undefined);
  }

  /** Hears of every message that is kept for a principal without a session. */
  onAbsent: (topic: Topic, text: string, sender: string) => void = () => {};

  /** Hears of every event that was sent: the workspace it is about and where its message lies. */
  onEvent: (workspace: string, view: MessageView) => void = () => {};

  /** Takes one request: it goes to somebody who is there now, or fails. */
  request(session: Session, view: MessageView): void {
    try {
      if (view.payloadEnd - view.payloadStart > this.#core.limits.payloadBytes) {
        throw new QuotaError(
          `Cannot pass on a request of ${
            view.payloadEnd - view.payloadStart
          } bytes: at most ${this.#core.limits.payloadBytes} are allowed`,
          { retryable: false },
        );
      }
      const { topic, text } = this.#route(session, view);
      let target: Session | undefined;
      if (topic.lane === "service_any") target = this.#pickService(topic.implementation);
      else if (POLICIES[topic.lane] === "identity") target = this.#sessions(text);
      else {throw new InvalidArgumentError(
          `Cannot put a request to "${text}": only one principal or a service can answer`,
          "topic",
        );}
      if (!target) throw new NotFoundError(`Cannot put a request to "${text}": nobody is connected there`);
      session.requests.pass(view, target);
    } catch (error) {
      session.requests.refuse(view.number, error as QuotaError);
    }
  }

  #route(session: Session, view: MessageView): Route {
    const last = this.#routes.get(session);
    const { bytes, targetStart: start, targetEnd: end } = view;
    if (last && last.workspace === session.workspace && last.bytes.length === end - start) {
      let at = end;
      let index = last.bytes.length;
      // From the back: topics of one workspace differ at their end.
      while (index > 0 && last.bytes[--index] === bytes[--at]);
      if (index === 0 && (end === start || last.bytes[0] === bytes[start]) && this.#fresh(last)) return last;
    }
    const text = textAt(bytes, start, end);
    const topic = parseTopic(text);
    const fault = sendFault(session, topic);
    if (fault) throw new PermissionDeniedError(`Cannot send from "${session.topic}" to "${text}": ${fault}`);
    const route: Route = {
      bytes: bytes.slice(start, end),
      topic,
      text,
      lane: this.#target(topic, text),
      workspace: session.workspace,
    };
    this.#routes.set(session, route);
    return route;
  }

  /** Whether a remembered route still leads somewhere: lanes are swept, and pool workers leave for good. */
  #fresh(route: Route): boolean {
    if (!route.lane) return true;
    if (route.topic.lane === "task") return this.#sessions(route.text) !== undefined;
    return this.#lanes.get(route.lane.topic) === route.lane;
  }

  #target(topic: Topic, text: string): Lane | undefined {
    if (topic.lane === "service_any") return undefined;
    if (topic.lane === "event" || topic.lane === "metric") return this.lane(`${topic.lane}::receiver0`, "fan_in");
    if (topic.lane === "task" && !this.#sessions(text)) {
      throw new NotFoundError(`Cannot send to "${text}": no such worker is connected, and its id will not come again`);
    }
    return this.lane(text, POLICIES[topic.lane]!);
  }

  #anyService(route: Route): Lane {
    const implementation = (route.topic as { implementation: string }).implementation;
    const session = this.#pickService(implementation);
    if (!session) {
      throw new NotFoundError(`Cannot send to "${route.text}": no instance of this service is connected`, {
        retryable: true,
        retryAfterMs: 1000,
      });
    }
    return this.lane(session.topic, "identity");
  }

  /** The connected instance with the fewest open requests. */
  #pickService(implementation: string): Session | undefined {
    let best: Session | undefined;
    for (const session of this.#services(implementation)) {
      if (session.connected && (!best || session.requests.owed < best.requests.owed)) best = session;
    }
    return best;
  }
}
