// edge: no Deno, Bun, node: or cloudflare: names
import { AetherError, ConnectionError, InvalidArgumentError, ProxyErrorKind, ProxyHttpError } from "../errors.ts";
import { endOfTurn } from "../base/clock.ts";
import { elapsed } from "../base/elapsed.ts";
import { letGo } from "../base/let_go.ts";
import { markStreamed, type Streaming } from "../base/streamed.ts";
import { hasNoBody, type HttpRequestHead } from "../protocol/http.ts";
import { chunkStart, StreamKind } from "../protocol/stream_frames.ts";
import type { Channel } from "../session/channel.ts";
import { type Channels, channelsOf } from "../session/channels.ts";
import type { StreamLink } from "../session/link.ts";
import { requireCount, requireMs } from "./bounds.ts";
import { type Body, bodyStream, sendBody } from "./body.ts";
import { type Deadline, type Deadlines, deadlinesOf } from "./deadlines.ts";
import { toProxyError } from "./errors.ts";
import { type AnswerHead, pairs, readResponseHead } from "./heads.ts";

/** How long to wait for the head of an answer, in ms, as the older system did. */
export const HEAD_TIMEOUT_MS = 30_000;

/**
 * From when on a request that came in by a server asks whether its caller has left, in ms. Most are answered before; and to ask
 * costs, on Deno, an exception for each request that is done.
 */
const LEAVING_MS = 20;

/** What bounds an exchange. */
export interface ExchangeOptions {
  /** Gives the request up; the handler's `request.signal` aborts. */
  signal?: AbortSignal;
  /** How long to wait for the head of the answer, in ms. 30 000 by default. */
  timeoutMs?: number;
  /** How long to wait between two pieces of the answer's body, in ms; as long as it takes by default. */
  streamIdleTimeoutMs?: number;
  /** Bytes the answer's body may have; any number by default. */
  maxResponseBodyBytes?: number;
}

/** @throws {InvalidArgumentError} for a bound that is none */
export function requireBounds(options: ExchangeOptions): void {
  requireMs(options.timeoutMs, "timeoutMs");
  requireMs(options.streamIdleTimeoutMs, "streamIdleTimeoutMs");
  requireCount(options.maxResponseBodyBytes, "maxResponseBodyBytes", 0);
}

/**
 * One request and its answer over the connection; resolves at the head, the body follows.
 * @throws {InvalidArgumentError} for a request, or a target, that is none
 * @throws {ProxyHttpError} when no answer came
 * @param leaving of a request that came in by a server: what says that its caller has left
 */
export async function exchange(
  link: StreamLink,
  target: string,
  head: HttpRequestHead,
  body: Body | undefined,
  options: ExchangeOptions,
  leaving?: () => AbortSignal,
): Promise<Response> {
  const { signal, timeoutMs = HEAD_TIMEOUT_MS } = options;
  signal?.throwIfAborted();
  const channels = channelsOf(link);
  try {
    const left = channels.isReady ? timeoutMs : await untilReady(link, channels, timeoutMs, signal ?? leaving?.());
    const channel = channels.open(StreamKind.Http, target, head, body === undefined);
    return await new Exchange(link, target, channel, options, leaving).run(head.method, body, left);
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    // What was asked is wrong, and would be wrong of anybody: no failure on the way.
    if (error instanceof InvalidArgumentError) throw error;
    throw toProxyError(error, target);
  }
}

/**
 * Waits for the connection, as a part of the time there is; what is left of it.
 * @throws {ProxyHttpError} when it takes all of it; else as {@link Channels.ready}
 */
export async function untilReady(
  link: StreamLink,
  channels: Channels,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<number> {
  const { clock } = link.options;
  const since = elapsed(clock);
  const late = new AbortController();
  const cancel = timeoutMs === Infinity ? undefined : clock.timer(timeoutMs, () => {
    late.abort(new ProxyHttpError(ProxyErrorKind.Timeout, `No connection to the gateway within ${timeoutMs} ms`));
  });
  try {
    await channels.ready(signal ? AbortSignal.any([signal, late.signal]) : late.signal);
  } finally {
    cancel?.();
  }
  return Math.max(1, timeoutMs - (elapsed(clock) - since));
}

const failures = new WeakMap<Response, unknown>();

/** What ended the body of a response before its end: browsers tell who reads it as a whole only that it failed. */
export function failureOf(response: Response): unknown {
  return failures.get(response);
}

class Exchange implements Streaming {
  onOver?: () => void;
  isHeld?: boolean;
  stream: ReadableStream<Uint8Array> | undefined;
  readonly #deadlines: Deadlines;
  readonly #target: string;
  readonly #channel: Channel;
  readonly #options: ExchangeOptions;
  readonly #leaving: (() => AbortSignal) | undefined;
  #signal: AbortSignal | undefined;
  #late: Deadline | undefined;
  #later: Deadline | undefined;
  #size = 0;
  #response: Response | undefined;

  constructor(
    link: StreamLink,
    target: string,
    channel: Channel,
    options: ExchangeOptions,
    leaving: (() => AbortSignal) | undefined,
  ) {
    this.#deadlines = deadlinesOf(link);
    this.#leaving = leaving;
    this.#target = target;
    this.#channel = channel;
    this.#options = options;
  }

  async run(method: string, body: Body | undefined, timeoutMs: number): Promise<Response> {
    const { signal } = this.#options;
    if (signal) this.#listen(signal);
    else if (this.#leaving) this.#later = this.#deadlines.add(LEAVING_MS, () => this.#listen(this.#leaving!()));
    try {
      this.#deadline(timeoutMs, "no answer");
      if (body) this.#upload(body);
      const head = await this.#channel.answered();
      // A server's answer leaves at the end of the turn, with what came behind its head. From within a message of a WebSocket
      // Bun would write the head of a streamed one in ten pieces.
      if (this.#leaving && !this.#channel.isReceived) await new Promise<void>(endOfTurn);
      const response = this.#respond(method, head);
      if (this.#response) markStreamed(response, this);
      return response;
    } catch (error) {
      this.#over();
      // What cannot be read is of no use to anybody; a channel that has ended does not mind.
      this.#channel.reset(new AetherError("The answer could not be read", "CANCELLED", { cause: error }));
      throw error;
    }
  }

  /** Sends the body beside everything else. An answer that is complete before it makes the rest of it needless. */
  #upload(body: Body): void {
    const channel = this.#channel;
    channel.onEnd = () => {
      if (!channel.isSent) channel.reset(new AetherError("The answer was complete before the request", "CANCELLED"));
    };
    // Its failure resets the channel, and so reaches whoever waits for the answer.
    sendBody(channel, body).catch(() => {});
  }

  #respond(method: string, bytes: Uint8Array): Response {
    const { status, statusText, headers, length } = this.#read(bytes);
    const init: ResponseInit = { status, headers: pairs(headers) };
    if (statusText !== undefined) init.statusText = statusText;
    this.#inTime();
    if (method === "HEAD" || hasNoBody(status)) {
      this.#over();
      if (!this.#channel.isReceived) this.#channel.reset(new AetherError("Such an answer has no body", "CANCELLED"));
      return new Response(null, init);
    }
    const limit = this.#options.maxResponseBodyBytes;
    const whole = this.#channel.all();
    if (whole) {
      this.#over();
      if (limit !== undefined && whole.length > limit) throw this.#tooLarge(limit);
      if (length !== undefined && whole.length !== length) throw this.#wrongLength(whole.length, length);
      return new Response(whole as Uint8Array<ArrayBuffer>, init);
    }
    this.stream = bodyStream(this.#channel, {
      waiting: () => {
        const { streamIdleTimeoutMs } = this.#options;
        if (streamIdleTimeoutMs !== undefined) this.#deadline(streamIdleTimeoutMs, "no further byte");
      },
      received: (size) => {
        this.#inTime();
        this.#size += size;
        if (limit !== undefined && this.#size > limit) throw this.#tooLarge(limit);
        if (length !== undefined && this.#size > length) throw this.#wrongLength(this.#size, length);
      },
      ended: () => {
        if (length !== undefined && this.#size !== length) throw this.#wrongLength(this.#size, length);
      },
      given: (last) => {
        if (this.isHeld) letGo(last, chunkStart(0));
      },
      done: () => this.#over(),
      failed: (error) => this.#failed(error),
    });
    return (this.#response = new Response(this.stream, init));
  }

  #read(bytes: Uint8Array): AnswerHead {
    try {
      return readResponseHead(bytes);
    } catch (error) {
      throw toProxyError(error, this.#target);
    }
  }

  #failed(error: unknown): unknown {
    this.#channel.reset(new AetherError("The caller takes no more of the answer", "CANCELLED"));
    const signal = this.#signal;
    const failed = signal?.aborted ? signal.reason : toProxyError(error, this.#target, true);
    if (this.#response) failures.set(this.#response, failed);
    return failed;
  }

  #tooLarge(limit: number): ProxyHttpError {
    return new ProxyHttpError(
      ProxyErrorKind.PayloadTooLarge,
      `The answer of "${this.#target}" has more than ${limit} bytes, which is what maxResponseBodyBytes allows`,
      { retryable: false, details: { limit, current: this.#size } },
    );
  }

  #wrongLength(size: number, length: number): ProxyHttpError {
    return new ProxyHttpError(
      ProxyErrorKind.DecodeFailed,
      `The answer of "${this.#target}" has ${
        size < length ? "only " : ""
      }${size} bytes, its content-length is ${length}`,
      { retryable: false },
    );
  }

  #deadline(ms: number, what: string): void {
    this.#inTime();
    this.#late = this.#deadlines.add(ms, () => {
      const words = `${what} from "${this.#target}" within ${ms} ms`;
      this.#channel.reset(new ProxyHttpError(ProxyErrorKind.Timeout, words[0].toUpperCase() + words.slice(1)));
    });
  }

  #inTime(): void {
    if (this.#late) this.#deadlines.remove(this.#late);
    this.#late = undefined;
  }

  #listen(signal: AbortSignal): void {
    this.#signal = signal;
    if (signal.aborted) this.#abort();
    else signal.addEventListener("abort", this.#abort, { once: true });
  }

  readonly #abort = (): void => {
    const { reason } = this.#signal!;
    this.#channel.reset(new AetherError(`The caller has gone: ${reason}`, "CANCELLED", { cause: reason }));
  };

  #over(): void {
    this.onOver?.();
    this.#inTime();
    if (this.#later) this.#deadlines.remove(this.#later);
    this.#signal?.removeEventListener("abort", this.#abort);
  }
}

/** @throws {ConnectionError} when the connection cannot carry HTTP */
export function requireLink(link: StreamLink | undefined): StreamLink {
  if (link) return link;
  throw new ConnectionError("Cannot send HTTP over this: give a client of this SDK, or a gateway", {
    retryable: false,
  });
}
