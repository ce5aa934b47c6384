// edge: no Deno, Bun, node: or cloudflare: names
import * as v from "valibot";
import { InvalidArgumentError, PermissionDeniedError, QuotaError } from "../errors.ts";
import {
  headerOf,
  type HttpRequestHead,
  normalPath,
  passHeaders,
  requireMethod,
  requireOrigin,
  VIA_HEADER,
} from "../protocol/http.ts";
import type { Limits } from "../protocol/limits.ts";
import { decodeStructured, encodeStructured } from "../protocol/structured.ts";
import type { Caller } from "./openings.ts";

/** A head that was checked, and is stamped for each target it is shown to. */
export interface Minted {
  /** Of an HTTP request. */
  readonly method?: string;
  /** Of an HTTP request, normalised. */
  readonly path?: string;
  /** Services it has passed on its way here. */
  readonly passed: readonly string[];
  /** The head for a target, encoded. */
  head(target: string): Uint8Array;
}

const text = v.pipe(v.string(), v.maxLength(2048));

const tunnelSchema = v.object({
  protocol: v.picklist(["tcp", "udp", "websocket"]),
  remoteHint: v.optional(text),
  backend: v.optional(text),
  sessionToken: v.optional(text),
  metadata: v.optional(v.record(text, text)),
  idleTimeoutMs: v.optional(v.pipe(v.number(), v.minValue(1))),
  maxBytes: v.optional(v.pipe(v.number(), v.minValue(1))),
  path: v.optional(text),
  protocols: v.optional(v.array(text)),
  headers: v.optional(v.array(v.string())),
  via: v.optional(v.pipe(v.string(), v.maxLength(8192))),
});

/**
 * Checks the head of an HTTP request, takes out of it what the caller says of itself, and stamps who it is.
 * @throws {InvalidArgumentError} when it is none
 */
export function mintHttp(said: Uint8Array | HttpRequestHead, caller: Caller, limits: Limits): Minted {
  const { method, path, origin, headers, backend } = readHttpHead(said, limits);
  requireMethod(method);
  if (origin !== undefined) requireOrigin(origin);
  const normal = normalPath(path);
  const passed = passedOf(headerOf(headers, VIA_HEADER), limits);
  const stamped = passHeaders(headers, { isCaller: true });
  stamp(stamped, caller);
  return {
    method,
    path: normal,
    passed,
    head(target) {
      const via = viaOf(passed, target);
      const head: HttpRequestHead = { method, path: normal, origin, headers: [...stamped, VIA_HEADER, via], backend };
      return encodeStructured(head);
    },
  };
}

// By hand: it is read with every request, and a schema library takes as long as the rest of the way.
function readHttpHead(said: Uint8Array | HttpRequestHead, limits: Limits): HttpRequestHead {
  const size = said instanceof Uint8Array ? said.length : sizeOf(said, limits.httpHeadBytes);
  if (size > limits.httpHeadBytes) {
    throw new QuotaError(`Cannot take a head of ${size} bytes: at most ${limits.httpHeadBytes} are allowed`, {
      retryable: false,
      details: { limit: limits.httpHeadBytes, current: size },
    });
  }
  const head = said instanceof Uint8Array
    ? decodeStructured(said, limits.structuredDepth) as HttpRequestHead | null
    : said;
  const bad = (name: string): InvalidArgumentError =>
    new InvalidArgumentError(`Cannot take a request head: ${name} is not what it should be`, name);
  if (typeof head !== "object" || head === null) throw bad("head");
  const { method, path, origin, headers, backend } = head;
  if (typeof method !== "string") throw bad("method");
  if (typeof path !== "string") throw bad("path");
  if (origin !== undefined && typeof origin !== "string") throw bad("origin");
  if (backend !== undefined && typeof backend !== "string") throw bad("backend");
  if (!Array.isArray(headers) || headers.length % 2 !== 0 || !headers.every((part) => typeof part === "string")) {
    throw bad("headers");
  }
  return head;
}

/** Bytes of a head that was not written, or what they cannot be more than where that is little. */
function sizeOf(head: HttpRequestHead, limit: number): number {
  const { method, path, origin = "", headers, backend = "" } = head;
  let length = method.length + path.length + origin.length + backend.length;
  for (const part of headers) length += part.length;
  // Three bytes a character, five in front of each text, and the names of the fields.
  const most = length * 3 + (headers.length + 4) * 5 + 64;
  return most <= limit ? most : encodeStructured(head).length;
}

/** Says who calls. */
function stamp(headers: string[], { topic, workspace, identity }: Caller): void {
  headers.push("x-aether-caller", topic, "x-aether-caller-type", identity?.type ?? "gateway");
  if (workspace !== undefined) headers.push("x-aether-workspace", workspace);
  if (identity?.type === "user") headers.push("x-aether-user", identity.userId);
}

const NOWHERE: readonly string[] = [];

/** The services a request has passed. @throws {PermissionDeniedError} when they are too many for another one */
function passedOf(via: string | undefined, { proxyDepth }: Limits): readonly string[] {
  if (!via) return NOWHERE;
  const passed = via.split(",").map((name) => name.trim());
  if (passed.length < proxyDepth) return passed;
  throw new PermissionDeniedError(
    `Cannot pass the request on: it has passed ${passed.length} services, at most ${proxyDepth} may be (${via})`,
  );
}

/** … with the next one. */
function viaOf(passed: readonly string[], target: string): string {
  return passed.length === 0 ? target : `${passed.join(", ")}, ${target}`;
}

/** Checks the head of a tunnel. @throws {InvalidArgumentError} when it is none */
export function mintTunnel(bytes: Uint8Array, caller: Caller, limits: Limits): Minted {
  if (bytes.length > limits.httpHeadBytes) {
    throw new InvalidArgumentError("Cannot open a tunnel: its head is too large");
  }
  const parsed = v.safeParse(tunnelSchema, decodeStructured(bytes, limits.structuredDepth));
  if (!parsed.success) {
    const issue = parsed.issues[0];
    const field = v.getDotPath(issue) ?? "head";
    throw new InvalidArgumentError(`Cannot open a tunnel: ${field}: ${issue.message}`, field);
  }
  const { headers, via, path, ...head } = parsed.output;
  if (headers && headers.length % 2 !== 0) {
    throw new InvalidArgumentError("Cannot open a tunnel: odd headers", "headers");
  }
  const passed = passedOf(via, limits);
  const stamped = passHeaders(headers ?? [], { isCaller: true });
  stamp(stamped, caller);
  const normal = path === undefined ? undefined : normalPath(path);
  return {
    passed,
    head: (target) => encodeStructured({ ...head, path: normal, headers: stamped, via: viaOf(passed, target) }),
  };
}
