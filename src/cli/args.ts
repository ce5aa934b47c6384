// What stands on the command line, as data: no I/O here.

import { type BackupOptions, parseBackup } from "./backup_args.ts";
import { didYouMean } from "./did_you_mean.ts";
import { type CurlOptions, type ExposeOptions, parseCurl, parseExpose } from "./http_args.ts";
import { parseWorker, type WorkerOptions } from "./worker_args.ts";

/** What the user wants. */
export type Command =
  | { kind: "help"; of?: "worker" | "http" }
  | { kind: "version"; json: boolean }
  | { kind: "dev"; options: DevOptions }
  | { kind: "backup"; options: BackupOptions }
  | { kind: "expose"; options: ExposeOptions }
  | { kind: "curl"; options: CurlOptions }
  | { kind: "worker"; options: WorkerOptions }
  | { kind: "fault"; message: string; json: boolean };

/** Options of `aether dev`. */
export interface DevOptions {
  /** Port to open; undefined means 8787 or the next free one, 0 any free one. */
  port?: number;
  /** Address to listen on. */
  host: string;
  /** File to keep everything in; "memory" keeps nothing. */
  store: string;
  /** Folder whose words are counted. */
  demo?: string;
  /** Services shown at /s/<name>/. */
  ingress: string[];
  /** Whether to exit when the demo has finished. */
  once: boolean;
  /** Whether to print NDJSON events instead of text. */
  json: boolean;
}

const COMMANDS = ["dev", "worker", "expose", "curl", "backup", "version", "help"];
const FLAGS = ["--port", "--host", "--store", "--ingress", "--demo", "--once", "--json", "--help"];
const WITH_VALUE = ["--port", "--host", "--store", "--ingress", "--demo"];

/** Where `aether dev` keeps things, and `aether backup` finds them, unless told otherwise. */
export const DEFAULT_STORE = ".aether/aether.db";

/** Reads the command line, without the names of the runtime and the script. */
export function parseArgs(argv: string[]): Command {
  const json = argv.includes("--json");
  const fault = (message: string): Command => ({ kind: "fault", message, json });
  const [name, ...rest] = argv;
  if (name === undefined || ["help", "-h", "--help"].includes(name)) return { kind: "help" };
  if (["version", "-v", "-V", "--version"].includes(name)) {
    const odd = rest.find((word) => word !== "--json");
    return odd === undefined ? { kind: "version", json } : fault(`"aether version" takes no "${odd}"`);
  }
  if (name === "worker") {
    const command = parseWorker(rest);
    if (command.kind === "worker") return command;
    return command.kind === "help" ? { kind: "help", of: "worker" } : fault(command.message);
  }
  if (name === "expose" || name === "curl") {
    const command = name === "expose" ? parseExpose(rest) : parseCurl(rest);
    if (command.kind === "fault") return fault(command.message);
    return command.kind === "help" ? { kind: "help", of: "http" } : command;
  }
  if (name === "backup") {
    const command = parseBackup(rest);
    return command.kind === "fault" ? fault(command.message) : command;
  }
  if (name !== "dev") {
    if (!name.startsWith("-")) return fault(`Unknown command "${name}"${didYouMean(name, COMMANDS)}`);
    return fault(`A command comes first, as in "aether dev ${name}"`);
  }
  return parseDev(rest, fault);
}

function parseDev(words: string[], fault: (message: string) => Command): Command {
  const options: DevOptions = { host: "127.0.0.1", store: DEFAULT_STORE, ingress: [], once: false, json: false };
  for (let at = 0; at < words.length; at++) {
    const [flag, ...tail] = words[at].split("=");
    if (flag === "-h" || flag === "--help") return { kind: "help" };
    if (!flag.startsWith("-")) {
      return fault(
        `"aether dev" takes no "${words[at]}" by itself: to count the words of a folder, write --demo ${words[at]}`,
      );
    }
    if (!FLAGS.includes(flag)) return fault(`Unknown flag "${flag}"${didYouMean(flag, FLAGS)}`);
    let value = tail.length > 0 ? tail.join("=") : undefined;
    if (!WITH_VALUE.includes(flag)) {
      if (value !== undefined) return fault(`${flag} takes no value`);
      if (flag === "--once") options.once = true;
      else options.json = true;
      continue;
    }
    if (value === undefined && !words[at + 1]?.startsWith("--")) value = words[++at];
    if (value === undefined || value === "") return fault(`${flag} needs a value, as in ${EXAMPLES[flag]}`);
    if (flag === "--host") options.host = value;
    else if (flag === "--store") options.store = value;
    else if (flag === "--demo") options.demo = value;
    else if (flag === "--ingress") options.ingress.push(...value.split(",").filter((name) => name !== ""));
    else if (/^\d{1,5}$/.test(value) && Number(value) <= 65535) options.port = Number(value);
    else return fault(`--port must be a number from 0 to 65535, not "${value}"`);
  }
  if (options.once && options.demo === undefined) {
    return fault("--once needs --demo <folder>: it exits when the demo has finished");
  }
  return { kind: "dev", options };
}

const EXAMPLES: Record<string, string> = {
  "--port": "--port 8787",
  "--host": "--host 127.0.0.1",
  "--store": "--store ./aether.db",
  "--ingress": "--ingress web,search",
  "--demo": "--demo docs",
};
