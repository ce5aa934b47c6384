// edge: no Deno, Bun, node: or cloudflare: names
import { decodeStructured, encodeStructured } from "../protocol/structured.ts";
import { fromUtf8, NO_BYTES, utf8 } from "../base/bytes.ts";
import { secretId } from "../base/ids.ts";
import { type AgentRegistration, LAUNCH_TASK_TYPE } from "../protocol/agents.ts";
import type { Topic } from "../protocol/topics.ts";
import type { MaybePromise } from "../store/store.ts";
import type { Core } from "./core.ts";
import type { Registry } from "./registry.ts";
import type { Session } from "./session.ts";
import { then } from "./soon.ts";
import type { TaskCreation } from "./tasks/creation.ts";
import type { TaskEngine } from "./tasks/engine.ts";
import type { TaskState } from "./tasks/record.ts";

/** Registrations by implementation, and the tokens of those that are being launched, by topic. */
const AGENTS = "ag";
const TOKENS = "lt";
/** Attempts to launch, and how long a launched principal may take to connect, in ms. */
const ATTEMPTS = 3;
const CONNECT_MS = 60_000;
/** How long its token opens the door, in ms: all attempts and their waits. */
const TOKEN_MS = 600_000;
/** Senders that are told of one target's dead end. */
const WAITING = 100;

/** The pool of orchestrators that support a profile; no identity has such a topic. */
export function profilePool(profile: string): string {
  return `profile::${profile}`;
}

interface Wanted {
  readonly topic: string;
  readonly implementation: string;
  readonly specifier: string;
  readonly workspace: string;
}

/**
 * Wakes principals that are away: a message or task for one whose implementation is registered becomes one launch task for
 * the orchestrators of its profile, with a token that only that identity can use. The launch is over when it connects.
 */
export class Launches {
  readonly #core: Core;
  readonly #engine: TaskEngine;
  readonly #creation: TaskCreation;
  readonly #registry: Registry;
  /** Being launched, by topic: who is to hear if it comes to nothing. */
  readonly #underway = new Map<string, Set<string>>();

  constructor(core: Core, engine: TaskEngine, creation: TaskCreation, registry: Registry) {
    this.#core = core;
    this.#engine = engine;
    this.#creation = creation;
    this.#registry = registry;
    engine.onOver((state) => this.#over(state));
  }

  /** How principals of an implementation are launched. */
  registration(implementation: string): MaybePromise<AgentRegistration | undefined> {
    const found = this.#core.store.kv.get(AGENTS, implementation, this.#core.clock.now());
    return then(found, (record) => (record ? decodeStructured(record.value) as AgentRegistration : undefined));
  }

  /** Notes a registration. */
  register(agent: AgentRegistration): MaybePromise<unknown> {
    return this.#core.store.kv.put(AGENTS, agent.implementation, encodeStructured(agent), {
      now: this.#core.clock.now(),
    });
  }

  /** Forgets one. */
  remove(implementation: string): MaybePromise<boolean> {
    const removed = this.#core.store.kv.delete(AGENTS, implementation, this.#core.clock.now());
    return then(removed, (revision) => revision > 0);
  }

  /** All of them, a page at a time. */
  list(cursor: string | undefined, limit: number): MaybePromise<AgentRegistration[]> {
    const records = this.#core.store.kv.list(AGENTS, "", cursor, limit, this.#core.clock.now());
    return then(records, (found) => found.map(({ value }) => decodeStructured(value) as AgentRegistration));
  }

  /** Something is kept for a principal that is away. */
  wanted(topic: Topic, text: string, sender: string): void {
    if (topic.lane !== "agent" && topic.lane !== "unique_task") return;
    this.#want({ ...topic, topic: text }, sender);
  }

  /** A task is meant for a principal that is away. */
  wantedBy(state: TaskState): void {
    const [kind, workspace, implementation, specifier] = state.target?.split("::") ?? [];
    if ((kind !== "ag" && kind !== "tu") || specifier === undefined || this.#registry.holder(state.target!)) return;
    this.#want({ topic: state.target!, workspace, implementation, specifier }, state.creator);
  }

  #want(wanted: Wanted, sender: string): void {
    const waiting = this.#underway.get(wanted.topic);
    if (waiting) {
      if (waiting.size < WAITING) waiting.add(sender);
      return;
    }
    const launched = then(this.registration(wanted.implementation), (agent) => {
      if (!agent || this.#underway.has(wanted.topic)) return;
      this.#underway.set(wanted.topic, new Set([sender]));
      return then(this.#launch(wanted, agent), () => {});
    });
    if (launched instanceof Promise) launched.catch((error) => this.#log(wanted.topic, error));
  }

  #launch({ topic, workspace, implementation, specifier }: Wanted, agent: AgentRegistration): MaybePromise<unknown> {
    const now = this.#core.clock.now();
    const token = secretId(this.#core.random);
    const expiresAt = now + TOKEN_MS;
    this.#core.store.kv.put(TOKENS, topic, utf8(token), { now, expiresAt });
    this.#core.wakeAt(expiresAt);
    return this.#creation.create(
      {
        type: LAUNCH_TASK_TYPE,
        implementation,
        mode: 1,
        target: profilePool(agent.profile),
        payload: NO_BYTES,
        singleton: topic,
        retry: { maxAttempts: ATTEMPTS, initialDelayMs: 2_000, maxDelayMs: 30_000 },
        deadlineMs: TOKEN_MS,
        metadata: { topic },
        launchParams: { ...agent.launchParams, auth_token: token, profile: agent.profile, specifier },
      },
      topic,
      workspace,
    );
  }

  /** Whether a principal shows the token it was launched with. */
  opens(topic: string, token: string | undefined): MaybePromise<boolean> {
    if (token === undefined) return false;
    const found = this.#core.store.kv.get(TOKENS, topic, this.#core.clock.now());
    return then(found, (record) => record !== undefined && fromUtf8(record.value) === token);
  }

  /** A principal is here: nobody waits for its launch any more. */
  arrived(session: Session): void {
    this.#underway.delete(session.topic);
  }

  /** An orchestrator is done with a launch, or nobody could do it. */
  #over(state: TaskState): void {
    const topic = state.type === LAUNCH_TASK_TYPE ? state.metadata.topic : undefined;
    if (topic === undefined || !this.#underway.has(topic)) return;
    if (state.status !== "completed") {
      return this.#fail(topic, state, state.error?.message ?? state.reason ?? state.status);
    }
    this.#engine.alarm(this.#core.clock.now() + CONNECT_MS, () => {
      if (this.#underway.has(topic)) {
        this.#fail(topic, state, `it was launched and did not connect within ${CONNECT_MS} ms`);
      }
    });
  }

  /** The dead end: whoever has sent something hears that it will not be heard, and why. */
  #fail(topic: string, state: TaskState, why: string): void {
    const senders = this.#underway.get(topic) ?? [];
    this.#underway.delete(topic);
    this.#core.logger("warn", "launch.failed", { topic, why });
    const reason = `Cannot launch "${topic}": ${why}`;
    for (const sender of senders) {
      const body = { topic, reason, launchTaskId: state.id };
      this.#registry.holder(sender)?.notify({ name: "undeliverable", body });
    }
  }

  #log(topic: string, error: unknown): void {
    this.#core.logger("error", "launch", { topic, error: String(error) });
  }
}
