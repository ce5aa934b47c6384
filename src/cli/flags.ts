// Reads flags by a table, for commands whose flags are plain: no I/O here.
import { didYouMean } from "./did_you_mean.ts";

/** What a flag takes: an example of its value, or nothing. */
export type FlagTable = Readonly<Record<string, { example?: string; isMany?: boolean; short?: string }>>;

/** What was said. */
export interface Flags {
  /** The value of a flag; the last one counts. */
  value(name: string): string | undefined;
  /** All values of a flag. */
  values(name: string): readonly string[];
  /** Whether a flag without a value was said. */
  has(name: string): boolean;
  /** What is no flag. */
  readonly words: readonly string[];
}

/** Flags by which a client finds its gateway, and is let in. */
export const CONNECTION_FLAGS: FlagTable = {
  "--address": { example: "ws://127.0.0.1:8787" },
  "--token": { example: "$TOKEN" },
  "--api-key": { example: "$KEY" },
  "--tenant": { example: "acme" },
  "--json": {},
  "--help": { short: "-h" },
};

/** Reads words; a text says what is wrong with them. */
export function parseFlags(words: readonly string[], table: FlagTable): Flags | string {
  const names = Object.keys(table);
  const said = new Map<string, string[]>();
  const plain: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at];
    if (!word.startsWith("-") || word === "-") {
      plain.push(word);
      continue;
    }
    const [flag, ...tail] = word.startsWith("--") ? word.split("=") : [word];
    const name = names.find((one) => one === flag || table[one].short === flag);
    if (name === undefined) return `Unknown flag "${flag}"${didYouMean(flag, names)}`;
    const { example } = table[name];
    let value = tail.length > 0 ? tail.join("=") : undefined;
    if (example === undefined) {
      if (value !== undefined) return `${flag} takes no value`;
      value = "";
    } else {
      value ??= words[++at];
      if (value === undefined || value === "") return `${flag} needs a value, as in ${flag} ${example}`;
    }
    said.set(name, [...said.get(name) ?? [], value]);
  }
  return {
    words: plain,
    value: (name) => said.get(name)?.at(-1),
    values: (name) => said.get(name) ?? [],
    has: (name) => said.has(name),
  };
}
