// What stands behind "aether worker", as data: no I/O here.
import { didYouMean } from "./did_you_mean.ts";

/** Options of `aether worker`; what is undefined was not said. */
export interface WorkerOptions {
  /** The module whose tasks it does. */
  module: string;
  address?: string;
  token?: string;
  apiKey?: string;
  tenant?: string;
  workspace?: string;
  implementation?: string;
  processes: number;
  slots: number;
  isolate: "thread" | "process" | "none";
  isolateArgs: string[];
  memoryMb?: number;
  idleExitMs?: number;
  drainMs?: number;
  graceMs?: number;
  reconnectMs?: number;
  watch: boolean;
  json: boolean;
}

/** What the user wants of it. */
export type WorkerCommand =
  | { kind: "worker"; options: WorkerOptions }
  | { kind: "help" }
  | { kind: "fault"; message: string };

type Take = (options: WorkerOptions, value: string) => string | void;

const text = (name: "address" | "token" | "apiKey" | "tenant" | "workspace" | "implementation"): Take => {
  return (options, value) => void (options[name] = value);
};
const whole = (name: "processes" | "slots" | "memoryMb"): Take => (options, value) => {
  if (!/^\d{1,6}$/.test(value) || Number(value) < 1) return `must be a number from 1, not "${value}"`;
  options[name] = Number(value);
};
const duration = (name: "idleExitMs" | "drainMs" | "graceMs" | "reconnectMs"): Take => (options, value) => {
  const ms = parseDuration(value);
  if (ms === undefined) return `must be a duration such as 500ms, 30s, 5m or 2h, not "${value}"`;
  options[name] = ms;
};

/** Each flag that takes a value: an example, and how it is taken; a text that is returned says what is wrong. */
const WITH_VALUE: Record<string, [example: string, take: Take]> = {
  "--address": ["ws://127.0.0.1:8787", text("address")],
  "--token": ["$TOKEN", text("token")],
  "--api-key": ["$KEY", text("apiKey")],
  "--tenant": ["acme", text("tenant")],
  "--workspace": ["prod", text("workspace")],
  "--implementation": ["image", text("implementation")],
  "--processes": ["2", whole("processes")],
  "--slots": ["8", whole("slots")],
  "--memory-mb": ["512", whole("memoryMb")],
  "--idle-exit": ["30s", duration("idleExitMs")],
  "--drain-ms": ["10000", duration("drainMs")],
  "--grace-ms": ["5000", duration("graceMs")],
  "--reconnect-ms": ["5000", duration("reconnectMs")],
  "--isolate": ["process", (options, value) => {
    if (value !== "thread" && value !== "process" && value !== "none") {
      return `must be thread, process or none, not "${value}"`;
    }
    options.isolate = value;
  }],
  "--isolate-arg": ["--isolate-arg=--allow-net", (options, value) => void options.isolateArgs.push(value)],
};
const PLAIN = ["--watch", "--json"];
const FLAGS = [...Object.keys(WITH_VALUE), ...PLAIN, "--help"];

/** Reads what stands behind "aether worker". */
export function parseWorker(words: string[]): WorkerCommand {
  const fault = (message: string): WorkerCommand => ({ kind: "fault", message });
  const options: WorkerOptions = {
    module: "",
    processes: 1,
    slots: 1,
    isolate: "thread",
    isolateArgs: [],
    watch: false,
    json: false,
  };
  for (let at = 0; at < words.length; at++) {
    const [flag, ...tail] = words[at].split("=");
    if (flag === "-h" || flag === "--help") return { kind: "help" };
    if (!words[at].startsWith("-")) {
      if (options.module) return fault(`"aether worker" takes one module, not "${options.module}" and "${words[at]}"`);
      options.module = words[at];
      continue;
    }
    if (!FLAGS.includes(flag)) return fault(`Unknown flag "${flag}"${didYouMean(flag, FLAGS)}`);
    let value = tail.length > 0 ? tail.join("=") : undefined;
    if (PLAIN.includes(flag)) {
      if (value !== undefined) return fault(`${flag} takes no value`);
      if (flag === "--watch") options.watch = true;
      else options.json = true;
      continue;
    }
    if (value === undefined && !words[at + 1]?.startsWith("--")) value = words[++at];
    const [example, take] = WITH_VALUE[flag];
    if (value === undefined || value === "") return fault(`${flag} needs a value, as in ${flag} ${example}`);
    const wrong = take(options, value);
    if (wrong) return fault(`${flag} ${wrong}`);
  }
  if (!options.module) return fault(`"aether worker" needs a module, as in "aether worker ./tasks.ts"`);
  if (options.isolate === "none" && (options.watch || options.memoryMb !== undefined)) {
    return fault(`${options.watch ? "--watch" : "--memory-mb"} needs isolates: --isolate thread or process`);
  }
  return { kind: "worker", options };
}

const UNITS: Record<string, number> = { "": 1, ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of a text such as "30s"; a number alone is milliseconds. Undefined when it is none. */
export function parseDuration(text: string): number | undefined {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text) ?? [];
  return number === undefined ? undefined : Number(number) * UNITS[unit ?? ""];
}
