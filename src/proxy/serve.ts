// edge: no Deno, Bun, node: or cloudflare: names
import {
  ConnectionError,
  InvalidArgumentError,
  PermissionDeniedError,
  ProxyErrorKind,
  ProxyHttpError,
  QuotaError,
} from "../errors.ts";
import { type CancelTimer, turns } from "../base/clock.ts";
import { elapsed } from "../base/elapsed.ts";
import { FLAG_REFUSED } from "../protocol/frames.ts";
import { headerOf, type HttpRequestHead, type HttpRules, requireRules, rulesFault } from "../protocol/http.ts";
import { StreamKind } from "../protocol/stream_frames.ts";
import { decodeStructured } from "../protocol/structured.ts";
import { type Channels, channelsOf, type IncomingChannel } from "../session/channels.ts";
import { LINK, type Linked, type StreamLink } from "../session/link.ts";
import { requireLink } from "./exchange.ts";
import { FairQueue } from "./fair_queue.ts";
import { Answering } from "./answering.ts";
import { requireCount, requireMs } from "./bounds.ts";

/** Who calls, as the gateway says. */
export interface HttpCaller {
  /** Its topic, `gateway` for the program the gateway runs in. */
  readonly topic: string;
  /** What kind of principal it is, `gateway` for that program. */
  readonly type: string;
  /** Its workspace, when it has one. */
  readonly workspace?: string;
  /** The user it is. */
  readonly userId?: string;
}

/** What a handler is told beside the request; a Hono app finds it as `c.env`. */
export interface HttpContext {
  /** Who calls. */
  readonly caller: HttpCaller;
  /** The backend the caller asked for. */
  readonly backend?: string;
}

/** Answers HTTP requests: any `(request) => response`, for instance `app.fetch` of a Hono app. */
export type HttpHandler = (request: Request, context: HttpContext) => Response | Promise<Response>;

/** Options of {@link serveHttp}. `methods` and `paths` are kept to by the gateway and here, before anything reaches the handler. */
export interface ServeHttpOptions extends HttpRules {
  /** Requests handled at once; 256 by default. */
  concurrency?: number;
  /** Requests that may wait for that, each caller's in turn; 1024 by default. Beyond it they are refused, and another instance is asked. */
  queue?: number;
  /** How long a handler may take to the head of its answer, in ms; as long as it takes by default. The caller gets a 504. */
  timeoutMs?: number;
  /**
   * How long an answer may wait for a caller that takes nothing more of it, in ms; 60 000 by default, Infinity for as long as it
   * takes. Then it is ended, and its place is free.
   */
  stallTimeoutMs?: number;
  /** Bytes a request's body may have; any number by default. The caller gets a 413 if nothing was answered yet. */
  maxRequestBodyBytes?: number;
  /** Hears of every request that is over. */
  onRequest?: (entry: HttpLogEntry) => void;
}

/** One request that is over. */
export interface HttpLogEntry {
  /** Its method. */
  readonly method: string;
  /** Its path and query. */
  readonly path: string;
  /** Topic of who called. */
  readonly caller: string;
  /** What was answered; 0 when the caller had gone. */
  readonly status: number;
  /** From its arrival to the last byte, in ms. */
  readonly ms: number;
}

/** A principal that answers HTTP. */
export interface HttpService extends AsyncDisposable {
  /** Requests being handled or waiting. */
  readonly inFlight: number;
  /**
   * Drains: the gateway gives it nothing new, what it has is finished. The client stays connected.
   * @param options `graceMs`: after so long what is left is aborted; as long as it takes by default. Said again, the sooner end counts
   */
  close(options?: { graceMs?: number }): Promise<void>;
}

/**
 * Answers HTTP requests that reach a principal over its own connection: no port is opened.
 * @param client usually a ServiceClient; any principal may
 * @throws {InvalidArgumentError} when it serves already; for options that cannot be kept to
 * @example
 * ```ts
 * import { AetherFetchTransport, serveHttp } from "@aether-edge/sdk/proxy";
 * import { testFabric } from "@aether-edge/sdk/testing";
 * await using fabric = await testFabric();
 * const service = await fabric.service({ implementation: "clock", specifier: "1" });
 * await using http = serveHttp(service, (_request, { caller }) => new Response(`hello ${caller.topic}`));
 * const agent = await fabric.agent({ workspace: "prod", implementation: "desk", specifier: "1" });
 * const response = await new AetherFetchTransport(agent, "sv::clock").fetch("/");
 * if (await response.text() !== "hello ag::prod::desk::1") throw new Error("not that");
 * ```
 */
export function serveHttp(client: Linked, handler: HttpHandler, options: ServeHttpOptions = {}): HttpService {
  if (typeof handler !== "function") {
    throw new InvalidArgumentError("Cannot serve HTTP without a handler: give (request) => Response", "handler");
  }
  requireCount(options.concurrency, "concurrency", 1);
  requireCount(options.queue, "queue", 0);
  requireMs(options.timeoutMs, "timeoutMs");
  requireMs(options.stallTimeoutMs, "stallTimeoutMs");
  requireCount(options.maxRequestBodyBytes, "maxRequestBodyBytes", 0);
  return new Serving(requireLink(client?.[LINK]), handler, options);
}

/** A request that has come and is not handled yet. */
interface Waiting {
  readonly incoming: IncomingChannel;
  readonly head: HttpRequestHead;
}

class Serving implements HttpService {
  readonly #link: StreamLink;
  readonly #channels: Channels;
  readonly #handler: HttpHandler;
  readonly #options: ServeHttpOptions;
  readonly #rules: HttpRules;
  readonly #waiting = new FairQueue<Waiting>();
  readonly #running = new Set<Answering>();
  readonly #turn = turns();
  readonly #off: () => void;
  readonly #offConnect: (() => void) | undefined;
  #closing: PromiseWithResolvers<void> | undefined;
  #graceEnd = Infinity;
  #late: CancelTimer | undefined;

  constructor(link: StreamLink, handler: HttpHandler, options: ServeHttpOptions) {
    this.#link = link;
    this.#handler = handler;
    this.#options = options;
    this.#rules = requireRules(options);
    this.#channels = channelsOf(link);
    const off = this.#channels.accept(StreamKind.Http, (incoming) => this.#take(incoming));
    if (!off) throw new InvalidArgumentError("Cannot serve HTTP: this client serves it already", "client");
    this.#off = off;
    // A session that could not be resumed begins without rules; one that served before has been drained.
    this.#offConnect = link.onConnect?.add(() => this.#announce(this.#closing !== undefined));
    if (this.#channels.isReady) this.#announce(false);
  }

  get inFlight(): number {
    return this.#running.size + this.#waiting.size;
  }

  #announce(isDraining: boolean): Promise<unknown> {
    const said = this.#link.call?.("http.serve", { ...this.#rules, isDraining }) ?? Promise.resolve();
    return said.catch((error) => this.#link.report(error));
  }

  #take(incoming: IncomingChannel): void {
    const { concurrency = 256, queue = 1024 } = this.#options;
    const { channel } = incoming;
    if (this.#closing) {
      return channel.reset(new ConnectionError("The service is draining", { retryAfterMs: 1000 }), FLAG_REFUSED);
    }
    const head = decodeStructured(incoming.head) as HttpRequestHead;
    // The gateway keeps to them as well, once it has heard of them: of a session that has just begun it has not.
    const fault = rulesFault(this.#rules, head.method, head.path);
    if (fault) {
      const words = `The service does not take ${head.method} ${head.path}: ${fault}`;
      return channel.reset(new PermissionDeniedError(words), FLAG_REFUSED);
    }
    if (this.#running.size < concurrency) return this.#run(incoming, head);
    if (this.#waiting.size >= queue) {
      const words = `The service handles ${concurrency} requests and has ${queue} waiting`;
      return channel.reset(new QuotaError(words, { retryAfterMs: 1000 }), FLAG_REFUSED);
    }
    // Until it is handled: then its channel tells the one who answers it.
    channel.onReset = this.#waiting.push(incoming.topic, { incoming, head });
  }

  #run({ channel, topic, workspace }: IncomingChannel, head: HttpRequestHead): void {
    const context: HttpContext = { caller: callerOf(head, topic, workspace), backend: head.backend };
    const answering = new Answering(this.#link, channel, head, this.#options, this.#turn);
    this.#running.add(answering);
    // In a turn of its own: what came with the head is here by then.
    queueMicrotask(() =>
      answering.run((request) => this.#handler(request, context)).then(() => this.#done(answering, topic))
    );
  }

  #done(answering: Answering, caller: string): void {
    this.#running.delete(answering);
    const { onRequest } = this.#options;
    try {
      onRequest?.({ ...answering.entry(), caller });
    } catch (error) {
      this.#link.report(error);
    }
    const next = this.#waiting.shift();
    if (next) this.#run(next.incoming, next.head);
    else if (this.#running.size === 0) this.#closing?.resolve();
  }

  async close(options: { graceMs?: number } = {}): Promise<void> {
    requireCount(options.graceMs, "graceMs", 0);
    const isFirst = !this.#closing;
    const { promise, resolve } = this.#closing ??= Promise.withResolvers();
    this.#grace(options.graceMs ?? Infinity);
    if (!isFirst) return promise;
    if (this.#channels.isReady) await this.#announce(true);
    if (this.inFlight === 0) resolve();
    await promise;
    this.#late?.();
    this.#off();
    this.#offConnect?.();
  }

  /** What is left then is aborted, unless that is to be sooner already. */
  #grace(graceMs: number): void {
    const { clock } = this.#link.options;
    const end = elapsed(clock) + graceMs;
    if (end >= this.#graceEnd) return;
    this.#graceEnd = end;
    this.#late?.();
    this.#late = clock.timer(graceMs, () => this.#abort(graceMs));
  }

  #abort(graceMs: number): void {
    const why = new ProxyHttpError(
      ProxyErrorKind.SidecarUnavailable,
      `The service was closed, ${graceMs} ms of grace are over`,
    );
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      next.incoming.channel.onReset = undefined;
      next.incoming.channel.reset(why, FLAG_REFUSED);
    }
    for (const answering of this.#running) answering.stop(why);
    // A handler that does not listen to its signal is not waited for.
    this.#closing?.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function callerOf(head: HttpRequestHead, topic: string, workspace: string): HttpCaller {
  const type = headerOf(head.headers, "x-aether-caller-type") ?? "";
  const userId = headerOf(head.headers, "x-aether-user");
  return { topic, type, workspace: workspace === "" ? undefined : workspace, userId };
}
