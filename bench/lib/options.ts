/** What the bench is told: by words, or by the environment, which the words go before. */
import process from "node:process";

/** How a run goes. */
export interface Options {
  readonly isFull: boolean;
  /** Names of scenarios or groups; all of them when left out. */
  readonly only?: readonly string[];
  /** Another state of the project to be compared with. */
  readonly compare?: string;
  readonly rounds: number;
  /** How long one figure is measured, in ms. */
  readonly ms: number;
  /** Folder of the results, ending with a slash. */
  readonly out: URL;
}

const HELP =
  `npm run bench -- [--full] [--only <names>] [--compare <git ref>] [--rounds <n>] [--ms <n>] [--out <folder>]
Names are those of scenarios or groups, by commas. ROUNDS, MS, ONLY and OUT of the environment mean the same.`;

/** Reads them. */
export function options(words: readonly string[]): Options {
  const given: Record<string, string> = {};
  const rest = [...words];
  while (rest.length > 0) {
    const [name, own] = rest.shift()!.split("=");
    if (name === "--full") given.full = "yes";
    else if (["--only", "--compare", "--rounds", "--ms", "--out"].includes(name)) {
      const value = own ?? rest.shift();
      if (!value) throw new Error(`${name} needs a value\n${HELP}`);
      given[name.slice(2)] = value;
    } else if (name === "--help") {
      console.log(HELP);
      process.exit(0);
    } else throw new Error(`There is no ${name}\n${HELP}`);
  }
  const { env } = process;
  const isFull = given.full !== undefined;
  const out = given.out ?? env.OUT;
  return {
    isFull,
    only: (given.only ?? env.ONLY)?.split(",").filter(Boolean),
    compare: given.compare,
    rounds: whole("rounds", given.rounds ?? env.ROUNDS ?? (isFull ? 5 : given.compare ? 5 : 2)),
    ms: whole("ms", given.ms ?? env.MS ?? (isFull ? 300 : 250)),
    out: out ? new URL(`file://${out.replace(/\/*$/, "/")}`) : new URL("../results/", import.meta.url),
  };
}

function whole(name: string, given: string | number): number {
  const value = Number(given);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${name} must be a whole number of at least 1`);
  return value;
}
