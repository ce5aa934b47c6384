// edge: no Deno, Bun, node: or cloudflare: names
import { AetherError, type ErrorCode, ProxyErrorKind, ProxyHttpError } from "../errors.ts";

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
  const kind = error?.code === "UNAVAILABLE"
    ? unavailable
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
export function statusOf(kind: ProxyErrorKind): number {
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

/** The same as a response, its body a problem (RFC 9457). */
export function problem(error: ProxyHttpError): Response {
  const status = statusOf(error.kind);
  const body = { type: "about:blank", title: TITLES[status], status, detail: error.message, code: error.code };
  const headers: Record<string, string> = { "content-type": "application/problem+json" };
  if (error.retryAfterMs !== undefined) headers["retry-after"] = String(Math.ceil(error.retryAfterMs / 1000));
  return new Response(JSON.stringify(body), { status, headers });
}

const TITLES: Record<number, string> = {
  403: "Forbidden",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};
