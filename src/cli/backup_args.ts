// What stands behind "aether backup", as data: no I/O here.
import { didYouMean } from "./did_you_mean.ts";

/** Options of `aether backup`. */
export interface BackupOptions {
  /** The file to be made. */
  file: string;
  /** The store to be copied. */
  store: string;
  /** Whether to print NDJSON events instead of text. */
  json: boolean;
}

/** What the user wants of it. */
export type BackupCommand =
  | { kind: "backup"; options: BackupOptions }
  | { kind: "help" }
  | { kind: "fault"; message: string };

/** Where a store is when nobody says. */
export const DEFAULT_STORE = ".aether/aether.db";

const FLAGS = ["--store", "--json", "--help"];

/** Reads what stands behind "aether backup". */
export function parseBackup(words: string[]): BackupCommand {
  const fault = (message: string): BackupCommand => ({ kind: "fault", message });
  const options: BackupOptions = { file: "", store: DEFAULT_STORE, json: false };
  for (let at = 0; at < words.length; at++) {
    const [flag, ...tail] = words[at].split("=");
    if (flag === "-h" || flag === "--help") return { kind: "help" };
    if (!words[at].startsWith("-")) {
      if (options.file) return fault(`"aether backup" makes one file, not "${options.file}" and "${words[at]}"`);
      options.file = words[at];
      continue;
    }
    if (!FLAGS.includes(flag)) return fault(`Unknown flag "${flag}"${didYouMean(flag, FLAGS)}`);
    let value = tail.length > 0 ? tail.join("=") : undefined;
    if (flag === "--json") {
      if (value !== undefined) return fault(`${flag} takes no value`);
      options.json = true;
      continue;
    }
    if (value === undefined && !words[at + 1]?.startsWith("--")) value = words[++at];
    if (value === undefined || value === "") return fault(`${flag} needs a value, as in ${flag} ${DEFAULT_STORE}`);
    options.store = value;
  }
  if (!options.file) return fault(`"aether backup" needs the file to be made, as in "aether backup copy.db"`);
  return { kind: "backup", options };
}
