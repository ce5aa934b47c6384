// A request of `node:http` as one of the web platform.
import type { IncomingMessage } from "node:http";

/** A host that is one: what has a slash in it would become part of the path. */
const HOST = /^[^\s/?#\\@]{1,255}$/;

/** What a request needs to know of its answer. */
export interface RequestOptions {
  /** Aborts when the caller leaves. */
  signal: AbortSignal;
  /** Its body is asked for the first time. */
  reading(): void;
}

/** Makes one. Undefined for what is none: an address or a method that the platform does not know. */
export function toRequest(incoming: IncomingMessage, { signal, reading }: RequestOptions): Request | undefined {
  const { rawHeaders, headers: said, url = "", method, socket } = incoming;
  const { host = "localhost" } = said;
  if (!HOST.test(host)) return undefined;
  const origin = `${"encrypted" in socket ? "https" : "http"}://${host}`;
  const init: RequestInit & { duplex?: "half" } = { method, signal };
  // As in fetch, and as on Deno and Bun, a GET has no body whatever came.
  if (method !== "GET" && method !== "HEAD" && ("transfer-encoding" in said || "content-length" in said)) {
    init.body = bodyOf(incoming, reading);
    init.duplex = "half";
  }
  try {
    const headers = new Headers();
    for (let at = 0; at < rawHeaders.length; at += 2) headers.append(rawHeaders[at], rawHeaders[at + 1]);
    init.headers = headers;
    // A proxy is sent a whole address.
    return new Request(url.startsWith("/") ? origin + url : url, init);
  } catch {
    return undefined;
  }
}

/**
 * A body that is read off the connection as its reader asks for it. Not by `Readable.toWeb`, which closes the connection, and
 * with it the answer, when nobody wants the rest.
 */
function bodyOf(incoming: IncomingMessage, reading: () => void): ReadableStream<Uint8Array<ArrayBuffer>> {
  let isOver = false;
  const end = (act: () => void): void => {
    if (!isOver) act();
    isOver = true;
  };
  return new ReadableStream({
    start(controller) {
      incoming.pause();
      incoming.on("data", (piece: Uint8Array<ArrayBuffer>) => {
        if (isOver) return;
        controller.enqueue(piece);
        incoming.pause();
      });
      incoming.once("end", () => end(() => controller.close()));
      incoming.once("error", () => end(() => controller.error(new Error("The caller left within its request"))));
    },
    pull() {
      reading();
      incoming.resume();
    },
    cancel() {
      isOver = true;
      // Thrown away as it comes: some callers hear an answer only after they have said everything.
      incoming.resume();
    },
  }, { highWaterMark: 0 });
}
