// edge: no Deno, Bun, node: or cloudflare: names
import { InvalidArgumentError } from "../errors.ts";
import { type HttpResponseHead, passHeaders, requireOrigin } from "../protocol/http.ts";
import { decodeStructured } from "../protocol/structured.ts";

/** What headers may be given as. */
export type HeadersSource = Headers | Record<string, string> | [name: string, value: string][];

/** Headers as one flat list: name, value, name, value. */
export function flatHeaders(headers: Headers): string[] {
  const flat: string[] = [];
  headers.forEach((value, name) => {
    // Some platforms join them with commas, which no reader could take apart again.
    if (name !== "set-cookie") flat.push(name, value);
  });
  for (const cookie of headers.getSetCookie()) flat.push("set-cookie", cookie);
  return flat;
}

/** The same as pairs, for `new Headers` and the like. */
export function pairs(flat: readonly string[]): [string, string][] {
  const found: [string, string][] = [];
  for (let at = 0; at + 1 < flat.length; at += 2) found.push([flat[at], flat[at + 1]]);
  return found;
}

/** Where a request goes: what is ignored but for `request.url`, and what is not. */
export interface Place {
  readonly origin: string;
  /** Path and query. */
  readonly path: string;
}

/** Base of addresses that are only a path. */
export const NO_ORIGIN = "http://aether";
const PLAIN = /^\/(?!\/)[^\s#\\]*$/;

/** Reads an address: a whole one, or only a path. @throws {InvalidArgumentError} for what is none */
export function toPlace(input: string | URL): Place {
  if (typeof input === "string" && PLAIN.test(input)) return { origin: NO_ORIGIN, path: input };
  let url: URL;
  try {
    url = new URL(input, NO_ORIGIN);
  } catch (cause) {
    throw new InvalidArgumentError(`Cannot fetch "${input}": it is neither an address nor a path`, "input", { cause });
  }
  const origin = url.origin === "null" ? NO_ORIGIN : url.origin;
  requireOrigin(origin);
  return { origin, path: url.pathname + url.search };
}

/** The head of an answer, and how long its body says it is. */
export interface AnswerHead extends HttpResponseHead {
  readonly length?: number;
}

/** Reads the head of an answer. @throws {InvalidArgumentError} for what is none */
export function readResponseHead(bytes: Uint8Array): AnswerHead {
  const head = decodeStructured(bytes) as HttpResponseHead | null;
  const { status, statusText, headers } = head ?? {};
  if (!Number.isInteger(status) || status! < 200 || status! > 599) {
    throw new InvalidArgumentError(`Cannot read the head of the answer: a status of ${status}`, "status");
  }
  if (!Array.isArray(headers) || !headers.every((part) => typeof part === "string")) {
    throw new InvalidArgumentError("Cannot read the head of the answer: its headers are no texts", "headers");
  }
  const passed = passHeaders(headers);
  const length = lengthOf(passed);
  return {
    status: status!,
    statusText: statusText ? String(statusText) : undefined,
    // One that is no number, or said twice, would be believed by somebody further on.
    headers: Number.isNaN(length) ? passed.filter((_, at) => passed[at - at % 2] !== "content-length") : passed,
    length: Number.isNaN(length) ? undefined : length,
  };
}

/** What a `content-length` says; NaN where it is no number. */
function lengthOf(headers: readonly string[]): number | undefined {
  let length: number | undefined;
  for (let at = 0; at < headers.length; at += 2) {
    if (headers[at] !== "content-length") continue;
    length = length === undefined && /^\d{1,15}$/.test(headers[at + 1]) ? Number(headers[at + 1]) : NaN;
  }
  return length;
}
