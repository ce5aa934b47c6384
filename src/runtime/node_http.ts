// Answers what comes to a `node:http` server as a `(request) => response` of the web platform does. Not by @hono/node-server: it
// writes a content-length as it was said, true or not, and ends an answer that breaks with the words of the error.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { endOfTurn } from "../base/clock.ts";
import { toRequest } from "./node_request.ts";

/** How long the rest of a request may take whose answer is complete, in ms: who still sends may not have read it yet. */
const LINGER_MS = 2000;
/** Where an answer ends is for this end to say. */
const FRAMING: ReadonlySet<string> = new Set(["content-length", "transfer-encoding", "trailer"]);

/** Who sends a request before the last one is answered waits: the server would start as many as one cares to send. */
const underWay = new WeakMap<Socket, Promise<void>>();

/** Answers one request, when those before it on its connection are. */
export function answer(
  handler: (request: Request) => Response | Promise<Response>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  expects = false,
): void {
  const { socket } = incoming;
  const now = (): Promise<void> => pass(handler, incoming, outgoing, expects);
  const before = underWay.get(socket);
  const done = before ? before.then(now) : now();
  underWay.set(socket, done);
}

/** Resolves when the connection is free for the next one, or gone. */
async function pass(
  handler: (request: Request) => Response | Promise<Response>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  expects: boolean,
): Promise<void> {
  if (incoming.socket.destroyed) return;
  const leaving = new AbortController();
  const over = new Promise<void>((resolve) => outgoing.once("close", resolve)).then(() => {
    if (!outgoing.writableFinished) leaving.abort();
    else if (!incoming.complete) linger(incoming);
  });
  let isWaiting = expects;
  const reading = (): void => {
    if (isWaiting && !outgoing.headersSent) outgoing.writeContinue();
    isWaiting = false;
  };
  try {
    const request = toRequest(incoming, { signal: leaving.signal, reading });
    const response = request ? await handler(request) : new Response("Bad Request", { status: 400 });
    // Whether the body it was not asked for will come nobody knows, so nothing can come after it.
    if (isWaiting) outgoing.shouldKeepAlive = false;
    await write(response, incoming, outgoing);
  } catch {
    // What broke inside is nobody's business outside.
    if (outgoing.headersSent) cut(incoming);
    else outgoing.writeHead(500, "Internal Server Error", { "content-length": 0 }).end();
  }
  await over;
}

async function write(
  { status, headers, body }: Response,
  incoming: IncomingMessage,
  out: ServerResponse,
): Promise<void> {
  const isBare = incoming.method === "HEAD" || status === 204 || status === 304;
  const said = headers.get("content-length") ?? "";
  const known = /^\d{1,15}$/.test(said) ? Number(said) : undefined;
  const length = status === 204 ? undefined : isBare ? known : body ? known : 0;
  const head: string[] = length === undefined ? [] : ["content-length", String(length)];
  headers.forEach((value, name) => {
    if (!FRAMING.has(name)) head.push(name, value);
  });
  const reader = body?.getReader();
  const leave = (): void =>
    void reader?.cancel().catch(() => {
      // It has failed already; there is nothing to stop.
    });
  if (out.destroyed) return leave();
  out.once("close", leave);
  out.writeHead(status, head);
  if (!isBare && reader) await writeBody(reader, out, length);
  out.end();
}

/** @throws {Error} when it breaks, or is not as long as it was said to be */
async function writeBody(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  out: ServerResponse,
  length = Infinity,
): Promise<void> {
  let left = length;
  let isFlushed = false;
  // With the first piece when that is there already, as one packet; else alone.
  endOfTurn(() => {
    if (!isFlushed) out.flushHeaders();
  });
  let drained: () => void = () => {};
  for (const event of ["drain", "close"]) out.on(event, () => drained());
  for (;;) {
    const { value, done } = await reader.read();
    isFlushed = true;
    if (out.destroyed) return;
    if (done) break;
    left -= value.length;
    if (left < 0) break;
    if (!out.write(value)) await new Promise<void>((resolve) => drained = resolve);
  }
  // The next answer on the connection would begin within this one, or before its end.
  if (left < 0 || (left > 0 && left !== Infinity)) throw new Error("The body is not as long as its content-length");
}

/** Ends an answer in a way that cannot be taken for its end. */
function cut({ socket, httpVersion }: IncomingMessage): void {
  // Before HTTP/1.1 a connection's end may be the answer's; its reset is not.
  if (httpVersion === "1.0" && !("encrypted" in socket)) socket.resetAndDestroy();
  else socket.destroy();
}

/** Reads on where an answer is complete before its request: nobody wants the rest, but the next request is behind it. */
function linger(incoming: IncomingMessage): void {
  const late = setTimeout(() => incoming.complete || incoming.socket.destroy(), LINGER_MS);
  incoming.once("close", () => clearTimeout(late)).resume();
}
