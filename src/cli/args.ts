// What stands on the command line, as data: no I/O here.

/** What the user wants. */
export type Command =
  | { kind: "help" }
  | { kind: "version"; json: boolean }
  | { kind: "dev"; options: DevOptions }
  | { kind: "fault"; message: string; json: boolean };

/** Options of `aether dev`. */
export interface DevOptions {
  /** Port to open; undefined means 8787 or the next free one, 0 any free one. */
  port?: number;
  /** Address to listen on. */
  host: string;
  /** Folder whose words are counted. */
  demo?: string;
  /** Whether to exit when the demo has finished. */
  once: boolean;
  /** Whether to print NDJSON events instead of text. */
  json: boolean;
}

const COMMANDS = ["dev", "version", "help"];
const FLAGS = ["--port", "--host", "--demo", "--once", "--json", "--help"];
const WITH_VALUE = ["--port", "--host", "--demo"];

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
  if (name !== "dev") {
    if (!name.startsWith("-")) return fault(`Unknown command "${name}"${didYouMean(name, COMMANDS)}`);
    return fault(`A command comes first, as in "aether dev ${name}"`);
  }
  return parseDev(rest, fault);
}

function parseDev(words: string[], fault: (message: string) => Command): Command {
  const options: DevOptions = { host: "127.0.0.1", once: false, json: false };
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
    else if (flag === "--demo") options.demo = value;
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
  "--demo": "--demo docs",
};

function didYouMean(word: string, names: string[]): string {
  const near = nearest(word, names);
  return near === undefined ? `: there are ${names.join(", ")}` : `, did you mean "${near}"?`;
}

/** The name that was probably meant; undefined when none is near. */
export function nearest(word: string, names: string[]): string | undefined {
  const bare = word.replace(/^-+/, "").toLowerCase();
  let best: string | undefined;
  let least = Math.max(1, Math.floor(bare.length / 3)) + 1;
  for (const name of names) {
    const target = name.replace(/^-+/, "");
    const isStart = bare.length >= 2 && target.startsWith(bare);
    const away = isStart ? 0 : distance(bare, target);
    if (away < least) [best, least] = [name, away];
  }
  return best;
}

/** Letters to add, drop, change or swap with their neighbour. */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, index) => index)];
  for (let i = 1; i <= a.length; i++) {
    rows[i] = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = rows[i - 1][j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      rows[i][j] = Math.min(change, rows[i - 1][j] + 1, rows[i][j - 1] + 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) rows[i][j] = Math.min(rows[i][j], rows[i - 2][j - 2] + 1);
    }
  }
  return rows[a.length][b.length];
}
