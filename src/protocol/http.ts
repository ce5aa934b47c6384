// edge: no Deno, Bun, node: or cloudflare: names
import { InvalidArgumentError } from "../errors.ts";

/** The head of an HTTP request, as an `Open` carries it. */
export interface HttpRequestHead {
  /** Upper case but for methods of one's own. */
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** Scheme, host and port the caller wrote, for `request.url`; nothing is looked up by it. */
  readonly origin?: string;
  /** Name, value, name, value …; names in lower case. */
  readonly headers: readonly string[];
  /** Which of its backends the service should use. */
  readonly backend?: string;
}

/** The head of an HTTP response, as a `Head` carries it. */
export interface HttpResponseHead {
  /** 200 to 599. */
  readonly status: number;
  /** The words beside it. */
  readonly statusText?: string;
  /** As in {@link HttpRequestHead}. */
  readonly headers: readonly string[];
}

/** Headers of one connection, which no proxy passes on (RFC 9110, section 7.6.1; the proxy's own authentication). */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  // Answers of 1xx go no further than a connection, so whoever took the request in has said what is expected. fetch on Node refuses it.
  "expect",
  "transfer-encoding",
  "upgrade",
  // The address is the topic; what was written as host travels as origin.
  "host",
]);

/**
 * Names a caller can be impersonated by: dropped from what a caller sends, added by the gateway. Servers that hand headers on as
 * variables (CGI, WSGI) take an underscore for a hyphen.
 */
const IDENTITY = /^x[-_](?:aether|auth)[-_]/;
/** The services a request has passed through; the one header of ours that a service may pass on. */
export const VIA_HEADER = "x-aether-via";

const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
// The characters that would end a header line, those no line may have (RFC 9110, section 5.5), and those a header has no bytes for. Of
// all but the first, fetch makes headers that no server writes: Node's throws, and Deno 2.9 ends its process.
// deno-lint-ignore no-control-regex -- these
const BAD_VALUE = /[\0-\x08\x0a-\x1f\x7f]|[^\0-\xff]/;
const METHOD = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}$/;
/** A path without anything to decode or to normalise. */
// deno-lint-ignore no-control-regex -- what may not be in a query either
const PLAIN_PATH = /^\/(?!\/)[\w\-~!$&'()*+,;=:@/]*(?:\.[\w\-~!$&'()*+,;=:@]+)?(?:\?[^#\s\\\0-\x1f\x7f]*)?$/;
const ORIGIN = /^https?:\/\/[^/?#\\@\s]{1,255}$/;

/** ASCII in more bytes than it needs, and the `%uXXXX` of old servers: a reader that is lax finds dots and slashes in them. */
const OVERLONG = /%(?:c[01]%|e0%[89]|f0%8|f8%8|fc%8|u[0-9a-f]{4})/i;

/** Options of {@link passHeaders}. */
export interface PassOptions {
  /** Whether headers that say who calls are dropped: those of a caller are. */
  readonly isCaller?: boolean;
}

/**
 * Headers without those of the single hop.
 * @throws {InvalidArgumentError} for a name or value that is none: it would become a header line of its own
 */
export function passHeaders(headers: readonly string[], options: PassOptions = {}): string[] {
  const { isCaller } = options;
  let named: ReadonlySet<string> | undefined;
  const passed: string[] = [];
  let hasLength = false;
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = lowerName(headers[at]);
    const value = headers[at + 1];
    if (BAD_VALUE.test(value)) {
      throw new InvalidArgumentError(
        `Cannot pass on header "${name}": its value has a control character, or what is not Latin-1`,
        "headers",
      );
    }
    if (HOP_BY_HOP.has(name)) {
      if (name === "connection") named = namesIn(value, named);
      continue;
    }
    if (isCaller) {
      if (name.charCodeAt(0) === X && IDENTITY.test(name)) continue;
      // Two readers of the same bytes must not disagree where a request ends.
      if (name === "content-length" && (!/^\d{1,15}$/.test(value) || hasLength)) {
        throw new InvalidArgumentError(`Cannot pass on a content-length of "${value}": it is one number`, "headers");
      }
      hasLength ||= name === "content-length";
    }
    passed.push(name, value);
  }
  if (!named) return passed;
  return passed.filter((_, at) => !named.has(passed[at - at % 2]));
}

/** First letter of the names of our own. */
const X = 120;

function lowerName(name: string): string {
  if (NAME.test(name)) return name;
  const lower = name.toLowerCase();
  if (NAME.test(lower)) return lower;
  throw new InvalidArgumentError(`Cannot pass on a header named "${name}"`, "headers");
}

/** The headers a `Connection` names. */
function namesIn(value: string, before: ReadonlySet<string> = new Set()): ReadonlySet<string> {
  return new Set([...before, ...value.split(",").map((name) => name.trim().toLowerCase())]);
}

/** A header's value; undefined when it is not there. */
export function headerOf(headers: readonly string[], name: string): string | undefined {
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const said = headers[at];
    // Nearly all are in lower case already, and of another length.
    if (said.length === name.length && (said === name || said.toLowerCase() === name)) return headers[at + 1];
  }
  return undefined;
}

/** @throws {InvalidArgumentError} for a method no request over the connection may have */
export function requireMethod(method: string): void {
  if (!METHOD.test(method)) throw new InvalidArgumentError(`Cannot use "${method}" as a method`, "method");
  // As in fetch: these are meant for the hop itself.
  if (/^(?:connect|trace|track)$/i.test(method)) {
    throw new InvalidArgumentError(`Cannot pass on ${method}: open a tunnel instead`, "method");
  }
}

/** @throws {InvalidArgumentError} for what is no `scheme://host[:port]` */
export function requireOrigin(origin: string): void {
  if (!ORIGIN.test(origin)) throw new InvalidArgumentError(`Cannot use "${origin}" as an origin`, "origin");
}

/**
 * A path with its dot segments resolved, so that no two readers of it disagree.
 * @throws {InvalidArgumentError} for a path that is none, or that hides a line break, a NUL or a dot segment behind encoding
 */
export function normalPath(path: string): string {
  if (PLAIN_PATH.test(path)) return path;
  const fault = (why: string): never => {
    throw new InvalidArgumentError(`Cannot use ${JSON.stringify(path.slice(0, 200))} as a path: ${why}`, "path");
  };
  if (!path.startsWith("/")) fault("it must begin with /");
  // The characters that would end a request line.
  if (/[\0-\x20\x7f]/.test(path)) fault("it has white space or a control character");
  let url: URL;
  try {
    // Not by the second argument: "//host/path" would be another host.
    url = new URL(`http://h${path}`);
  } catch {
    return fault("it cannot be parsed");
  }
  // Not more than ASCII: what else is encoded may be in any encoding, or in none, and hides nothing that has a meaning.
  const decoded = url.pathname.replace(
    /%([0-7][0-9a-f])/gi,
    (_, code: string) => String.fromCharCode(parseInt(code, 16)),
  );
  // deno-lint-ignore no-control-regex -- see above
  if (/[\0-\x1f\x7f]/.test(decoded)) fault("it hides a control character");
  if (OVERLONG.test(url.pathname)) fault("it hides a character behind an encoding that lax readers take for another");
  if (/(?:^|[/\\])\.\.?(?:[/\\]|$)/.test(decoded)) fault("it hides a dot segment");
  return url.pathname + url.search;
}

/** What a service takes: anything when a list is left out. */
export interface HttpRules {
  /** Methods, written as they are sent: upper case but for methods of one's own. */
  readonly methods?: readonly string[];
  /** Paths: exact ones, or prefixes that end with `/*`. */
  readonly paths?: readonly string[];
}

/** Methods a service may name. */
const RULE_METHODS = 32;
/** Paths a service may name, and how long each may be. */
const RULE_PATHS = 256;
const RULE_PATH_LENGTH = 1024;

/**
 * Rules in the form they are compared in.
 * @throws {InvalidArgumentError} for a rule that would match nothing, or something else than it says
 */
export function requireRules({ methods, paths }: HttpRules): HttpRules {
  return {
    methods: methods && requireList(methods, "methods", RULE_METHODS).map(ruleMethod),
    paths: paths && requireList(paths, "paths", RULE_PATHS).map(rulePath),
  };
}

function requireList(list: readonly string[], name: string, most: number): readonly string[] {
  if (Array.isArray(list) && list.length <= most && list.every((one) => typeof one === "string")) return list;
  throw new InvalidArgumentError(`Cannot serve HTTP with these ${name}: give a list of at most ${most} texts`, name);
}

function ruleMethod(said: string): string {
  const method = methodOf(said);
  requireMethod(method);
  // fetch leaves it as it is, and nobody means it.
  if (method !== "PATCH" && /^patch$/i.test(method)) {
    throw new InvalidArgumentError(`Cannot serve method "${said}": names are case-sensitive, say "PATCH"`, "methods");
  }
  return method;
}

function rulePath(said: string): string {
  const fault = (why: string): never => {
    throw new InvalidArgumentError(`Cannot serve path ${JSON.stringify(said.slice(0, 200))}: ${why}`, "paths");
  };
  if (said.length > RULE_PATH_LENGTH) fault(`it has more than ${RULE_PATH_LENGTH} characters`);
  if (!said.startsWith("/")) fault(`it must begin with "/"`);
  // deno-lint-ignore no-control-regex -- what no path has
  if (/[\0-\x1f\x7f?#\\]/.test(said)) fault('a path has no query, no "#", no backslash and no control character');
  if (said.slice(0, -2).includes("*") || (said.includes("*") && !said.endsWith("/*"))) {
    fault('a "*" stands only at the end, for everything below: "/open/*"');
  }
  // A percent sign that encodes nothing is meant as itself.
  const path = comparable(said.replace(/%(?![0-9a-f]{2})/gi, "%25")) ?? fault("its percent-encoding is broken");
  if (HIDDEN_DOTS.test(path)) fault("no path that is asked for has a dot segment");
  return path;
}

/**
 * A path as rules compare it: decoded, but for what would become a separator of another meaning, and for the percent sign that
 * would make two paths one. Undefined where nobody can say what it decodes to.
 */
function comparable(path: string): string | undefined {
  if (!path.includes("%")) return path;
  try {
    return decodeURIComponent(path.replace(/%(25|2f|5c)/gi, (_, code: string) => `%25${code.toUpperCase()}`));
  } catch {
    return undefined;
  }
}

/** Segments that some reader resolves: dots, also in front of a parameter, also behind a separator that is encoded. */
const HIDDEN_DOTS = /(?:^|[/\\]|%2F|%5C)\.\.?(?:[/\\;]|%2F|%5C|$)/;

/** Why a service does not take a request of a normalised path; undefined when it does. The rules are {@link requireRules}'. */
export function rulesFault(rules: HttpRules, method: string, path: string): string | undefined {
  if (rules.methods && !rules.methods.includes(method)) return `it takes ${rules.methods.join(", ")}, not ${method}`;
  if (!rules.paths || rules.paths.includes("/*")) return undefined;
  const end = path.indexOf("?");
  const asked = comparable(end < 0 ? path : path.slice(0, end));
  if (asked === undefined) return "it has rules about paths, and the percent-encoding of this one is broken";
  if (HIDDEN_DOTS.test(asked)) return "it has rules about paths, and this one hides a dot segment";
  for (const rule of rules.paths) {
    if (rule === asked) return undefined;
    if (rule.endsWith("/*") && (asked.startsWith(rule.slice(0, -1)) || asked === rule.slice(0, -2))) return undefined;
  }
  return `its rules do not name the path ${asked}`;
}

/** A method as the fetch standard has it: six names are written in upper case, others stay as they are. */
export function methodOf(method: string): string {
  return /^(?:delete|get|head|options|post|put)$/i.test(method) ? method.toUpperCase() : method;
}

/** Whether doing it twice is doing it once (RFC 9110, section 9.2.2). */
export function isIdempotent(method: string): boolean {
  return /^(?:GET|HEAD|PUT|DELETE|OPTIONS)$/.test(method);
}

/** Statuses whose responses have no body. */
export function hasNoBody(status: number): boolean {
  return status === 204 || status === 205 || status === 304;
}
