import net from "node:net";
import { ServiceClient } from "../../mod.ts";
import { allowAll, createGateway } from "../../src/gateway/mod.ts";
import { type HttpContext, type HttpHandler, serveHttp } from "../../src/proxy/mod.ts";
import { memoryStore } from "../../src/store/memory.ts";
import type { Case, Env } from "../harness.ts";
import { type Hand, hand, soon } from "./http_kit.ts";
import { until } from "./assert.ts";
import { loadRim } from "./rim.ts";

/** A service behind a gateway's open port. */
export interface PortWorld {
  /** Where the service is: `http://host:port/s/web`. */
  base: string;
  /** A connection without an HTTP client: it says exactly what it is told to. */
  wire(): Promise<Wire>;
}

/**
 * One behaviour at a real port of this runtime's own rim.
 * @param isBare whether the handler answers in place of the gateway, which lets nothing pass that a server need be afraid of
 */
export function atPort(
  name: string,
  handler: HttpHandler,
  body: (world: PortWorld, env: Env) => Promise<void>,
  skip?: Case["skip"],
  isBare = false,
): Case {
  return {
    name: `http at a port: ${name}`,
    skip,
    async run(env) {
      const { serve } = await loadRim(env.runtime);
      const ingress = { services: ["web"], workspace: "front" };
      const gateway = await createGateway({ store: memoryStore(), auth: allowAll(), ingress });
      const service = new ServiceClient({ dial: gateway.dial(), implementation: "web", specifier: "1" });
      // Handlers fail here on purpose.
      service.onError(() => {});
      await service.connect();
      serveHttp(service, handler);
      const bare = ({ url }: Request) => handler(new Request(url.replace("/s/web", "")), {} as HttpContext);
      const server = await serve(isBare ? Object.create(gateway, { fetch: { value: bare } }) : gateway);
      const wires: Wire[] = [];
      try {
        await body({
          base: `${server.httpUrl}/s/web`,
          async wire() {
            const made = new Wire(server.port);
            wires.push(made);
            await made.open();
            return made;
          },
        }, env);
      } finally {
        for (const wire of wires) wire.leave();
        await service.disconnect();
        await gateway.close();
        await server.close();
      }
    },
  };
}

export const pathOf = (request: Request): string => new URL(request.url).pathname;

/** Answers by path; what is not named says its own. */
export function routes(of: Record<string, HttpHandler>): HttpHandler {
  return (request, context) => {
    const path = pathOf(request);
    return of[path] ? of[path](request, context) : new Response(`own ${path}`);
  };
}

/** Answers whose bodies are in a test's hand. */
export function hands(): { handler: HttpHandler; next(): Promise<Hand> } {
  const made: Hand[] = [];
  return {
    handler() {
      const one = hand();
      made.push(one);
      return new Response(one.stream);
    },
    async next() {
      await until(() => made.length > 0, "the service was asked");
      return made.shift()!;
    },
  };
}

/** An answer as it came over a connection. */
export interface RawAnswer {
  status: number;
  headers: Record<string, string>;
  /** Its lines, for those that come more than once. */
  lines: string[];
  body: string;
  /** Whether it came to the end its head promised. */
  whole: boolean;
}

/** How long to wait for the next piece, in ms. */
const WAIT_MS = 8000;

/** See {@link PortWorld.wire}. */
export class Wire {
  readonly #socket: net.Socket;
  #got = "";
  #heard = Promise.withResolvers<void>();
  closed = false;

  constructor(port: number) {
    this.#socket = net.connect(port, "127.0.0.1");
    const hear = (): void => {
      this.#heard.resolve();
      this.#heard = Promise.withResolvers();
    };
    this.#socket.on("data", (bytes) => {
      this.#got += bytes.toString("latin1");
      hear();
    });
    this.#socket.on("error", () => {});
    for (const name of ["end", "close"]) {
      this.#socket.on(name, () => {
        this.closed = true;
        hear();
      });
    }
  }

  async open(): Promise<void> {
    await new Promise((resolve) => this.#socket.once("connect", resolve));
  }

  /** Resolves when the kernel has taken it, which it does only as fast as the other side reads. */
  async send(bytes: string | Uint8Array): Promise<void> {
    await new Promise<unknown>((resolve) => this.#socket.write(bytes, resolve));
  }

  /** A request without a body; further lines of its head each end with a line break. */
  async ask(path: string, { method = "GET", lines = "" } = {}): Promise<void> {
    await this.send(`${method} /s/web${path} HTTP/1.1\r\nhost: test\r\n${lines}\r\n`);
  }

  /** Waits until it has come, or the connection is closed; takes nothing away. */
  async holds(text: string): Promise<string> {
    await this.#until((got) => got.includes(text) ? true : undefined, text);
    return this.#got;
  }

  /** The next answer; one without a body says so. */
  async answer({ bodyless = false, waitMs = WAIT_MS } = {}): Promise<RawAnswer> {
    const found = await this.#until((got) => readAnswer(got, bodyless, this.closed), "an answer", waitMs);
    if (!found) throw new Error(`no answer, but ${JSON.stringify(this.#got.slice(0, 300))}`);
    this.#got = this.#got.slice(found.length);
    return found.answer;
  }

  /** What has come and belongs to no answer, once the connection is closed. */
  async rest(): Promise<string> {
    await this.#until(() => this.closed || undefined, "the end of the connection");
    return this.#got;
  }

  /** Reads no more. */
  pause(): void {
    this.#socket.pause();
  }

  /** Leaves as a program does that was killed. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  leave(): void {
    this.#socket.destroy();
  }

  async #until<T>(look: (got: string) => T | undefined, what: string, waitMs = WAIT_MS): Promise<T | undefined> {
    for (;;) {
      const found = look(this.#got);
      if (found !== undefined || this.closed) return found;
      await soon(this.#heard.promise, `${what}, after ${JSON.stringify(this.#got.slice(-300))}`, waitMs);
    }
  }
}

function readAnswer(
  got: string,
  bodyless: boolean,
  closed: boolean,
): { answer: RawAnswer; length: number } | undefined {
  const end = got.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [first, ...lines] = got.slice(0, end).split("\r\n");
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  const status = Number(first.split(" ")[1]);
  const made = (body: string, length: number, whole = true) => ({
    answer: { status, headers, lines, body, whole },
    length: end + 4 + length,
  });
  const rest = got.slice(end + 4);
  if (bodyless || status < 200 || status === 204 || status === 304) return made("", 0);
  const said = headers["content-length"];
  if (said !== undefined) {
    if (rest.length >= Number(said)) return made(rest.slice(0, Number(said)), Number(said));
    return closed ? made(rest, rest.length, false) : undefined;
  }
  if (headers["transfer-encoding"] !== "chunked") return closed ? made(rest, rest.length) : undefined;
  let body = "";
  for (let at = 0;;) {
    const line = rest.indexOf("\r\n", at);
    const size = line < 0 ? NaN : parseInt(rest.slice(at, line), 16);
    if (Number.isNaN(size) || rest.length < line + 4 + size) return closed ? made(body, rest.length, false) : undefined;
    if (size === 0) return made(body, line + 4);
    body += rest.slice(line + 2, line + 2 + size);
    at = line + 4 + size;
  }
}
