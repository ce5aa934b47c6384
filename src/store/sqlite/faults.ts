// edge: no Deno, Bun, node: or cloudflare: names
import { AetherError, ConnectionError, InvalidArgumentError } from "../../errors.ts";

/** Why a database does not work. */
export interface Fault {
  /** In words for an operator. */
  readonly reason: string;
  /** Whether it can be over by itself; what is damaged stays damaged. */
  readonly mayHeal: boolean;
  /** Whether the file itself is at fault, rather than something around it. */
  readonly isFile: boolean;
}

// Some engines give no code with some errors, but all give SQLite's words.
const FAULTS: [pattern: RegExp, fault: Fault][] = [
  [/disk is full/i, { reason: "the disk is full", mayHeal: true, isFile: false }],
  [/is locked/i, { reason: "another program has locked the database", mayHeal: true, isFile: false }],
  [/readonly database/i, { reason: "the database is read-only", mayHeal: true, isFile: true }],
  [/malformed/i, { reason: "the database is damaged", mayHeal: false, isFile: true }],
  [/not a database/i, { reason: "the file is not a SQLite database", mayHeal: false, isFile: true }],
  [/unable to open/i, { reason: "the file or its folder cannot be opened for writing", mayHeal: true, isFile: true }],
  [/disk I\/O/i, { reason: "reading or writing the disk failed", mayHeal: true, isFile: false }],
];

/** What an engine's error means. */
export function faultOf(thrown: unknown): Fault {
  const words = thrown instanceof Error ? thrown.message : String(thrown);
  return FAULTS.find(([pattern]) => pattern.test(words))?.[1] ?? { reason: words, mayHeal: true, isFile: false };
}

/** What a caller is told whose change could not be kept. */
export function writeError(where: string, reason: string, cause: unknown): ConnectionError {
  return new ConnectionError(`Cannot write to the store "${where}": ${reason}`, { retryAfterMs: 1000, cause });
}

/** What somebody is told who wants to open a database that does not work. */
export function openError(where: string, thrown: unknown): AetherError {
  if (thrown instanceof AetherError) return thrown;
  const { reason, isFile } = faultOf(thrown);
  const words = `Cannot open the store "${where}": ${reason}`;
  if (!isFile) return new ConnectionError(words, { cause: thrown });
  return new InvalidArgumentError(
    `${words}; give the path of a store, or of a new file in a folder that can be written`,
    "path",
    {
      cause: thrown,
    },
  );
}
