// edge: no Deno, Bun, node: or cloudflare: names
import { AetherError, ProxyErrorKind, ProxyHttpError } from "../errors.ts";
import type { CancelTimer, Turn } from "../base/clock.ts";
import { hasNoBody, headerOf, type HttpRequestHead, type HttpResponseHead, passHeaders } from "../protocol/http.ts";
import type { Channel } from "../session/channel.ts";
import type { StreamLink } from "../session/link.ts";
import { type Answerer, bodyStream, sendAnswer } from "./body.ts";
import { deadlinesOf } from "./deadlines.ts";
import { flatHeaders, NO_ORIGIN, pairs } from "./heads.ts";

/** What bounds one answer. */
export interface AnswerLimits {
  readonly timeoutMs?: number;
  readonly maxRequestBodyBytes?: number;
  readonly stallTimeoutMs?: number;
}

/** As servers of the web have it (nginx, `send_timeout`). */
const STALL_TIMEOUT_MS = 60_000;

/** One request that is being answered. */
export class Answering implements Answerer {
  readonly #link: StreamLink;
  readonly #channel: Channel;
  readonly #head: HttpRequestHead;
  readonly #limits: AnswerLimits;
  readonly #turn: () => Turn;
  readonly #controller = new AbortController();
  readonly #since: number;
  #late: CancelTimer | undefined;
  #answerHead: HttpResponseHead | undefined;
  #status = 0;
  #isAnswered = false;
  /** The answer to a request that is not what it should be. */
  #refusal: { readonly status: number; readonly words: string } | undefined;
  /** Kept while it is answered: Node 22 collects what aborts its signal with it, though somebody listens to that. */
  #kept: Request | undefined;

  constructor(link: StreamLink, channel: Channel, head: HttpRequestHead, limits: AnswerLimits, turn: () => Turn) {
    this.#link = link;
    this.#channel = channel;
    this.#head = head;
    this.#limits = limits;
    this.#turn = turn;
    this.#since = link.options.clock.now();
    channel.onReset = (error) => this.#controller.abort(error);
  }

  /** Handles it to its last byte. Never rejects. */
  async run(handler: (request: Request) => Response | Promise<Response>): Promise<void> {
    const channel = this.#channel;
    // The caller has gone while this waited.
    if (channel.error) return;
    let given: Response | undefined;
    try {
      const answered = this.#within(handler);
      given = answered instanceof Response ? answered : await answered;
      const response = requireResponse(given);
      if (channel.error) return void giveUp(response, channel.error);
      await this.#answer(response);
      this.#answered();
    } catch (error) {
      this.#late?.();
      giveUp(given, error);
      if (channel.error) return;
      if (!this.#refusal) this.#link.report(error);
      if (this.#status > 0) return channel.reset(this.#broken(error));
      try {
        await this.#answer(this.#failure(error));
        this.#answered();
      } catch {
        // The channel has ended meanwhile: nobody is there to hear it.
      }
    }
  }

  #within(handler: (request: Request) => Response | Promise<Response>): Response | Promise<Response> {
    const { timeoutMs } = this.#limits;
    const answered = handler(this.#request());
    if (timeoutMs === undefined || timeoutMs === Infinity || answered instanceof Response) return answered;
    // Whatever can be waited for: not every library has the platform's promises.
    return this.#inTime(Promise.resolve(answered), timeoutMs);
  }

  async #inTime(answered: Promise<Response>, timeoutMs: number): Promise<Response> {
    const late = Promise.withResolvers<never>();
    this.#late = this.#link.options.clock.timer(timeoutMs, () => {
      const error = new ProxyHttpError(ProxyErrorKind.Timeout, `The handler took more than ${timeoutMs} ms`);
      late.reject(error);
      this.#controller.abort(error);
      // What it still comes up with is for nobody.
      answered.then((response) => response?.body?.cancel(error)).catch(() => {});
    });
    const response = await Promise.race([answered, late.promise]);
    this.#late();
    return response;
  }

  #request(): Request {
    const { method, path, origin = NO_ORIGIN, headers } = this.#head;
    const init: RequestInit & { duplex?: "half" } = {
      method,
      headers: pairs(headers),
      signal: this.#controller.signal,
    };
    const length = headerOf(headers, "content-length");
    if (method === "GET" || method === "HEAD") {
      // What is said of a body that is not taken must not be believed further on.
      if (length !== undefined) init.headers = pairs(headers).filter(([name]) => name !== "content-length");
    } else {
      const said = length === undefined ? undefined : Number(length);
      const whole = this.#channel.all();
      if (whole) {
        this.#checkSize(whole.length, said);
        this.#checkEnd(whole.length, said);
        if (whole.length > 0) init.body = whole as Uint8Array<ArrayBuffer>;
      } else {
        init.body = this.#body(said);
        init.duplex = "half";
      }
    }
    let request: Request | undefined;
    try {
      request = this.#kept = new Request(origin + path, init);
    } catch (error) {
      if (STANDARD.test(method)) throw error;
    }
    // Of what they do not know, Bun makes a GET and workerd an error.
    if (request?.method.toUpperCase() === method.toUpperCase()) return request;
    this.#refusal = { status: 501, words: `The service knows no method ${method}\n` };
    throw new TypeError(`Cannot make a request of method ${method}`);
  }

  #body(said: number | undefined): ReadableStream<Uint8Array> {
    let size = 0;
    return bodyStream(this.#channel, {
      received: (bytes) => this.#checkSize(size += bytes, said),
      ended: () => this.#checkEnd(size, said),
      // A handler may have seen enough, and answer all the same.
      left: () => this.#channel.ignore(),
      failed: (error) => error,
    });
  }

  #checkEnd(size: number, said: number | undefined): void {
    if (said !== undefined && size !== said) this.#wrongLength(size, said);
  }

  #wrongLength(size: number, said: number): never {
    this.#refusal = { status: 400, words: "The request has not as many bytes as it says\n" };
    throw new ProxyHttpError(
      ProxyErrorKind.DecodeFailed,
      `The request has ${size} bytes, its content-length is ${said}`,
      {
        retryable: false,
      },
    );
  }

  #checkSize(size: number, said: number | undefined): void {
    if (said !== undefined && size > said) this.#wrongLength(size, said);
    const limit = this.#limits.maxRequestBodyBytes;
    if (limit === undefined || size <= limit) return;
    this.#refusal = { status: 413, words: "The request is too large\n" };
    throw new ProxyHttpError(ProxyErrorKind.PayloadTooLarge, `The request has more than ${limit} bytes`, {
      retryable: false,
      details: { limit, current: size },
    });
  }

  #answer(response: Response): Promise<void> | undefined {
    const { status, statusText } = response;
    // First: on Bun a response whose body was asked for has forgotten its type.
    this.#answerHead = { status, headers: passHeaders(flatHeaders(response.headers)) };
    if (response.bodyUsed || response.body?.locked) {
      throw new TypeError("The handler returned a Response whose body was read, or is being read");
    }
    const hasBody = response.body !== null && this.#head.method !== "HEAD" && !hasNoBody(status);
    if (statusText) (this.#answerHead as { statusText?: string }).statusText = statusText;
    if (!hasBody) {
      this.layHead(true);
      response.body?.cancel().catch(() => {});
      return undefined;
    }
    return sendAnswer(this.#channel, response.body!, this.#turn(), this);
  }

  layHead(isEnd: boolean, length?: number): void {
    const head = this.#answerHead!;
    if (length !== undefined && headerOf(head.headers, "content-length") === undefined) {
      (head.headers as string[]).push("content-length", String(length));
    }
    this.#channel.answer(head, isEnd);
    this.#status = head.status;
  }

  /** A caller that takes nothing more must not hold a place for good. */
  async wait(room: Promise<void>): Promise<void> {
    const { stallTimeoutMs = STALL_TIMEOUT_MS } = this.#limits;
    const deadlines = deadlinesOf(this.#link);
    const late = deadlines.add(stallTimeoutMs, () => {
      const words = `The caller has taken nothing more of the answer for ${stallTimeoutMs} ms`;
      this.#channel.reset(new ProxyHttpError(ProxyErrorKind.Timeout, words));
    });
    try {
      await room;
    } finally {
      deadlines.remove(late);
    }
  }

  /** Why the body ends before its end, for the caller: as with a handler that throws, the rest is in the service's own log. */
  #broken(error: unknown): AetherError {
    const { code = "ABORTED" } = error instanceof AetherError ? error : {};
    if (this.#refusal && error instanceof AetherError) return error;
    return new AetherError("The body of the answer failed", code);
  }

  /** The answer is out: a request that goes on would hold a stream for nobody. */
  #answered(): void {
    const channel = this.#channel;
    this.#isAnswered = true;
    if (channel.isReceived) return;
    // The signal tells of callers that leave, and this one has not.
    channel.onReset = undefined;
    channel.reset(new AetherError("The answer was complete before the request", "CANCELLED"));
  }

  #failure(error: unknown): Response {
    if (this.#refusal) return new Response(this.#refusal.words, { status: this.#refusal.status });
    const isLate = error instanceof ProxyHttpError && error.kind === ProxyErrorKind.Timeout;
    // What went wrong inside is the service's business: its own log has it.
    return isLate
      ? new Response("The service took too long\n", { status: 504 })
      : new Response("Internal Server Error\n", { status: 500 });
  }

  /** Gives it up. */
  stop(error: AetherError): void {
    this.#channel.reset(error);
    this.#controller.abort(error);
  }

  /** What became of it. */
  entry(): { method: string; path: string; status: number; ms: number } {
    const { method, path } = this.#head;
    const status = this.#isAnswered || !this.#channel.error ? this.#status : 0;
    return { method, path, status, ms: this.#link.options.clock.now() - this.#since };
  }
}

const STANDARD = /^(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)$/;

/** Nobody will read it; what is being read is told by who reads it. */
function giveUp(response: Response | undefined, reason: unknown): void {
  const body = response?.body;
  if (body instanceof ReadableStream && !body.locked) body.cancel(reason).catch(() => {});
}

function requireResponse(response: unknown): Response {
  if (!isResponse(response)) throw new TypeError(`The handler returned ${kindOf(response)}`);
  if (response.status === 0) throw new TypeError("The handler returned Response.error()");
  if (response.status < 200) {
    throw new TypeError(
      `The handler returned ${response.status}, which is no answer: take WebSockets by serveTunnels(); what comes before an answer is not passed on`,
    );
  }
  return response;
}

/** Also the platform's own, where somebody has put another class in the place of the global one, as @hono/node-server does. */
function isResponse(value: unknown): value is Response {
  return value instanceof Response || Object.prototype.toString.call(value) === "[object Response]";
}

function kindOf(value: unknown): string {
  const { status, headers } = Object(value) as Partial<Response>;
  if (typeof status !== "number" || typeof headers?.get !== "function") {
    return `${value === null ? "null" : typeof value}, not a Response: give new Response(body, { status, headers })`;
  }
  return "a Response of another package or realm: give the platform's own, new Response(it.body, { status: it.status, headers: [...it.headers] })";
}
