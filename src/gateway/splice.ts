// edge: no Deno, Bun, node: or cloudflare: names
import {
  AetherError,
  ConnectionError,
  InvalidArgumentError,
  NotFoundError,
  PermissionDeniedError,
  QuotaError,
} from "../errors.ts";
import { utf8 } from "../base/bytes.ts";
import { isIdempotent, rulesFault } from "../protocol/http.ts";
import { STREAM_WINDOW } from "../protocol/limits.ts";
import { StreamKind, writeOpen } from "../protocol/stream_frames.ts";
import { parseTopic, type Topic } from "../protocol/topics.ts";
import { callFault } from "./access.ts";
import type { Core } from "./core.ts";
import { type Minted, mintHttp, mintTunnel } from "./stream_heads.ts";
import type { Caller, Opening } from "./openings.ts";
import type { Leg, StreamHost, StreamRouter } from "./streams.ts";

/** A principal that streams can be opened to. */
export interface StreamTarget extends StreamHost {
  /** Whether it has a socket now. */
  readonly connected: boolean;
}

/** An exchange begun or answered weighs as much as so many operations: what it is sent to takes that much longer with it. */
const EXCHANGE = 4;

type SplicerCore = Pick<Core, "limits" | "counters" | "logger" | "done">;

/** Who may be opened to. */
export interface StreamPeers {
  /** Holder of an identity. */
  holder(topic: string): StreamTarget | undefined;
  /** Instances of a service. */
  services(implementation: string): Iterable<StreamTarget>;
}

/** What it takes to ask another instance. */
interface Asked {
  readonly topic: Topic;
  readonly text: string;
  readonly kind: number;
  readonly isEnd: boolean;
  readonly caller: Caller;
  readonly minted: Minted;
  readonly tried: Set<StreamHost>;
}

/** Joins a stream of one client to one of another: decides, stamps, chooses. What flows then is not looked at. */
export class Splicer implements StreamRouter {
  readonly #core: SplicerCore;
  readonly #peers: StreamPeers;
  #given = 0;

  constructor(core: SplicerCore, peers: StreamPeers) {
    this.#core = core;
    this.#peers = peers;
  }

  open(host: StreamHost, open: Opening): void {
    const { streams } = host;
    try {
      const { limits } = this.#core;
      if (streams.size >= limits.streams) {
        const details = { limit: limits.streams, current: streams.size };
        throw new QuotaError(`Cannot open a stream: ${details.current} are open, at most ${details.limit} may be`, {
          details,
          retryAfterMs: 100,
        });
      }
      const topic = parseTopic(open.topic);
      const { caller } = host;
      const fault = callFault(caller, topic);
      if (fault) throw new PermissionDeniedError(`"${caller.topic}" may not call "${open.topic}": ${fault}`);
      const minted = mint(open, caller, limits);
      const asked: Asked = {
        topic,
        text: open.topic,
        kind: open.kind,
        isEnd: open.isEnd,
        caller,
        minted,
        tried: new Set(),
      };
      const target = this.#choose(asked);
      const canRetry = topic.lane === "service_any" && minted.method !== undefined && isIdempotent(minted.method);
      this.#core.counters.streams++;
      this.#join(streams.begin(open.stream, open.isEnd, canRetry ? asked : undefined), asked, target);
    } catch (error) {
      const known = error instanceof AetherError
        ? error
        : new AetherError("The gateway failed to open the stream", "INTERNAL", { cause: error });
      if (known !== error) this.#core.logger("error", "stream.open", { error: String(error) });
      streams.refuse(open.stream, known);
    }
  }

  get limits(): Core["limits"] {
    return this.#core.limits;
  }

  done(): void {
    this.#core.done(EXCHANGE);
  }

  again(leg: Leg): boolean {
    const asked = leg.retry as Asked | undefined;
    if (!asked || leg.table.host.ended) return false;
    try {
      const target = this.#choose(asked);
      leg.allowance = STREAM_WINDOW;
      this.#join(leg, asked, target);
      return true;
    } catch {
      // The first one's word is the better one: it says why this began.
      return false;
    }
  }

  #join(opener: Leg, asked: Asked, target: StreamTarget): void {
    asked.tried.add(target);
    const { caller, minted } = asked;
    // It may throw, so nothing is noted before.
    const head = minted.head(target.caller.topic);
    opener.table.keep(opener);
    const { stream } = target.streams.join(opener);
    target.streams.lastGiven = ++this.#given;
    this.done();
    writeOpen(target.writer, stream, asked.kind, asked.isEnd, utf8(caller.topic), utf8(caller.workspace ?? ""), head);
    target.touch();
  }

  #choose(asked: Asked): StreamTarget {
    const { topic, text, minted, tried } = asked;
    const isAny = topic.lane === "service_any";
    const candidates = isAny ? this.#peers.services(topic.implementation) : [this.#peers.holder(text)];
    let best: StreamTarget | undefined;
    let fault: AetherError | undefined;
    let answers = false;
    for (const target of candidates) {
      if (!target?.connected || tried.has(target)) continue;
      const { streams } = target;
      answers ||= streams.isServing && asked.kind === StreamKind.Http;
      const rule = minted.method && rulesFault(streams.rules, minted.method, minted.path!);
      if (rule) fault ??= new PermissionDeniedError(`"${text}" does not take ${minted.method} ${minted.path}: ${rule}`);
      else if (streams.isDraining && asked.kind === StreamKind.Http) {
        fault ??= new ConnectionError(`"${text}" is draining`, { retryAfterMs: 1000 });
      } else if (streams.size >= this.#core.limits.streams) fault ??= busy(text, streams.size);
      else if (minted.passed.includes(target.caller.topic)) fault ??= cameFrom(target.caller.topic, minted.passed);
      else if (!best || isBetter(streams, best.streams)) best = target;
    }
    // Who has not said that it answers is asked only where nobody has: it may be about to.
    if (best && (best.streams.isServing || !answers)) return best;
    throw fault ?? new NotFoundError(
      isAny ? `No instance of "${text}" is connected` : `Nobody is connected at "${text}"`,
      { retryable: isAny, retryAfterMs: isAny ? 1000 : undefined },
    );
  }
}

/** Who answers comes first: who refuses would always have the least to do. */
function isBetter(one: StreamTarget["streams"], other: StreamTarget["streams"]): boolean {
  if (one.isServing !== other.isServing) return one.isServing;
  return one.owed === other.owed ? one.lastGiven < other.lastGiven : one.owed < other.owed;
}

function cameFrom(target: string, passed: readonly string[]): AetherError {
  const words = `Cannot pass the request on to "${target}": it came from there (${passed.join(", ")})`;
  return new PermissionDeniedError(words);
}

function busy(text: string, current: number): QuotaError {
  return new QuotaError(`"${text}" has ${current} streams open and takes no more`, { retryAfterMs: 100 });
}

function mint({ kind, head }: Opening, caller: Caller, limits: Core["limits"]): Minted {
  if (kind === StreamKind.Http) return mintHttp(head, caller, limits);
  if (kind === StreamKind.Tunnel && head instanceof Uint8Array) return mintTunnel(head, caller, limits);
  throw new InvalidArgumentError(`Cannot open a stream of kind ${kind}: 1 is HTTP, 2 is a tunnel`);
}
