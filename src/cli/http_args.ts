// What stands behind "aether expose" and "aether curl", as data: no I/O here.
import { CONNECTION_FLAGS, type Flags, type FlagTable, parseFlags } from "./flags.ts";

/** Where the gateway is, and what lets in. */
export interface ConnectOptions {
  address?: string;
  token?: string;
  apiKey?: string;
  tenant?: string;
  /** Whether to print NDJSON events instead of text. */
  json: boolean;
}

/** Options of `aether expose`. */
export interface ExposeOptions extends ConnectOptions {
  implementation: string;
  specifier?: string;
  /** The local server. */
  url: string;
}

/** Options of `aether curl`. */
export interface CurlOptions extends ConnectOptions {
  target: string;
  path: string;
  method?: string;
  headers: [name: string, value: string][];
  data?: string;
  /** Whether the head of the answer is shown too. */
  include: boolean;
  /** Whether an answer of 400 and above is a failure. */
  fail: boolean;
  workspace?: string;
  backend?: string;
  timeoutMs?: number;
}

/** What the user wants of them. */
export type HttpCommand =
  | { kind: "expose"; options: ExposeOptions }
  | { kind: "curl"; options: CurlOptions }
  | { kind: "help" }
  | { kind: "fault"; message: string };

const EXPOSE: FlagTable = { ...CONNECTION_FLAGS, "--specifier": { example: "1" } };
const CURL: FlagTable = {
  ...CONNECTION_FLAGS,
  "--request": { example: "POST", short: "-X" },
  "--header": { example: "'accept: text/plain'", short: "-H" },
  "--data": { example: "'{}'", short: "-d" },
  "--include": { short: "-i" },
  "--fail": { short: "-f" },
  "--workspace": { example: "prod" },
  "--backend": { example: "v2" },
  "--max-time": { example: "30" },
};

const fault = (message: string): HttpCommand => ({ kind: "fault", message });

/** Reads what stands behind "aether expose". */
export function parseExpose(words: readonly string[]): HttpCommand {
  const flags = parseFlags(words, EXPOSE);
  if (typeof flags === "string") return fault(flags);
  if (flags.has("--help")) return { kind: "help" };
  const [implementation, url, ...more] = flags.words;
  if (!url || more.length > 0) {
    return fault(`"aether expose" needs a name and a local server, as in "aether expose web http://127.0.0.1:3000"`);
  }
  const whole = /^\d+$/.test(url) ? `http://127.0.0.1:${url}` : url.includes("://") ? url : `http://${url}`;
  if (!URL.canParse(whole) || !/^https?:/.test(whole)) return fault(`"${url}" is no address of an HTTP server`);
  const options: ExposeOptions = { ...connection(flags), implementation, url: whole };
  if (flags.has("--specifier")) options.specifier = flags.value("--specifier");
  return { kind: "expose", options };
}

/** Reads what stands behind "aether curl". */
export function parseCurl(words: readonly string[]): HttpCommand {
  const flags = parseFlags(words, CURL);
  if (typeof flags === "string") return fault(flags);
  if (flags.has("--help")) return { kind: "help" };
  const [where, ...more] = flags.words;
  if (!where || more.length > 0) {
    return fault(`"aether curl" needs one address, as in "aether curl sv::web/index.html"`);
  }
  const slash = where.indexOf("/");
  const headers: [string, string][] = [];
  for (const line of flags.values("--header")) {
    const colon = line.indexOf(":");
    if (colon < 1) return fault(`A header is "name: value", not "${line}"`);
    headers.push([line.slice(0, colon).trim(), line.slice(colon + 1).trim()]);
  }
  const seconds = flags.value("--max-time");
  if (seconds !== undefined && !(Number(seconds) > 0)) return fault(`--max-time is in seconds, not "${seconds}"`);
  return {
    kind: "curl",
    options: {
      ...connection(flags),
      target: slash < 0 ? where : where.slice(0, slash),
      path: slash < 0 ? "/" : where.slice(slash),
      method: flags.value("--request"),
      headers,
      data: flags.value("--data"),
      include: flags.has("--include"),
      fail: flags.has("--fail"),
      workspace: flags.value("--workspace"),
      backend: flags.value("--backend"),
      timeoutMs: seconds === undefined ? undefined : Number(seconds) * 1000,
    },
  };
}

function connection(flags: Flags): ConnectOptions {
  return {
    address: flags.value("--address"),
    token: flags.value("--token"),
    apiKey: flags.value("--api-key"),
    tenant: flags.value("--tenant"),
    json: flags.has("--json"),
  };
}
