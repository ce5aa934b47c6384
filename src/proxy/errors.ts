// edge: no Deno, Bun, node: or cloudflare: names
import { AetherError, type ErrorCode, ProxyErrorKind, ProxyHttpError } from "../errors.ts";
import { type HttpRequestHead, normalPath, passHeaders, requireMethod, requireOrigin } from "../protocol/http.ts";
import { encodeStructured } from "../protocol/structured.ts";

const KINDS: Partial<Record<ErrorCode, ProxyErrorKind>> = {
  NOT_FOUND: ProxyErrorKind.DialFailed,
  DEADLINE_EXCEEDED: ProxyErrorKind.Timeout,
  PERMISSION_DENIED: ProxyErrorKind.AclDenied,
  UNAUTHENTICATED: ProxyErrorKind.AclDenied,
  RESOURCE_EXHAUSTED: ProxyErrorKind.SidecarUnavailable,
  INVALID_ARGUMENT: ProxyErrorKind.DecodeFailed,
};

/** What failed, as callers of HTTP know it. `isAnswered` says that the head of the answer was here already. */
export function toProxyError(thrown: unknown, target: string, isAnswered = false): ProxyHttpError {
  if (thrown instanceof ProxyHttpError) return thrown;
  const error = thrown instanceof AetherError ? thrown : undefined;
  const unavailable = isAnswered ? ProxyErrorKind.UpstreamReset : ProxyErrorKind.SidecarUnavailable;
  // Quotas that no patience helps with are about size.
  const isTooLarge = error?.code === "RESOURCE_EXHAUSTED" && !error.retryable;
  const kind = error?.code === "UNAVAILABLE"
    ? unavailable
    : isTooLarge
    ? ProxyErrorKind.PayloadTooLarge
    : (error && KINDS[error.code]) ?? (isAnswered ? ProxyErrorKind.UpstreamReset : ProxyErrorKind.Unknown);
  const words = thrown instanceof Error ? thrown.message : String(thrown);
  return new ProxyHttpError(kind, `${isAnswered ? "The answer of" : "No answer from"} "${target}": ${words}`, {
    cause: thrown,
    retryable: error?.retryable,
    retryAfterMs: error?.retryAfterMs,
    details: error?.details,
  });
}

/** The status a gateway answers with when a request failed this way (RFC 9110, section 15.6). */
function statusOf(kind: ProxyErrorKind): number {
  switch (kind) {
    case ProxyErrorKind.Timeout:
      return 504;
    case ProxyErrorKind.DialFailed:
    case ProxyErrorKind.SidecarUnavailable:
      return 503;
    case ProxyErrorKind.AclDenied:
      return 403;
    default:
      return 502;
  }
}

/** A request that failed, as a response: its body is a problem (RFC 9457). What is the caller's fault is a status of its own. */
export function problem(thrown: unknown, target: string, head: HttpRequestHead): Response {
  const fault = thrown instanceof AetherError && thrown.code === "INVALID_ARGUMENT" ? faultOf(head) : undefined;
  if (fault) return told(fault, 400);
  const error = toProxyError(thrown, target);
  const limit = Number(error.details.limit);
  // Nothing but a head can have been too large, its own or the answer's: bodies have no bound on this way.
  const isOwn = error.kind === ProxyErrorKind.PayloadTooLarge && encodeStructured(head).length > limit;
  return told(error, !isOwn ? statusOf(error.kind) : head.path.length * 2 > limit ? 414 : 431);
}

/** What is wrong with a request, whoever it is for. */
function faultOf({ method, path, origin, headers }: HttpRequestHead): AetherError | undefined {
  try {
    requireMethod(method);
    if (origin !== undefined) requireOrigin(origin);
    normalPath(path);
    passHeaders(headers, { isCaller: true });
  } catch (error) {
    return error as AetherError;
  }
}

function told(error: AetherError, status: number): Response {
  const body = { type: "about:blank", title: TITLES[status], status, detail: error.message, code: error.code };
  const headers: Record<string, string> = { "content-type": "application/problem+json" };
  if (error.retryAfterMs !== undefined) headers["retry-after"] = String(Math.ceil(error.retryAfterMs / 1000));
  return new Response(JSON.stringify(body), { status, headers });
}

const TITLES: Record<number, string> = {
  400: "Bad Request",
  403: "Forbidden",
  414: "URI Too Long",
  431: "Request Header Fields Too Large",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};
