import fs from "node:fs";
import { fileURLToPath } from "node:url";
import type { FolderText, Piece } from "./folder.ts";
import type { Output } from "./output.ts";

/** What examples/word_count.ts exports, as far as the CLI uses it. */
export interface WordCountExample {
  wordCount(options: {
    address: string;
    documents: Piece[];
    onProgress(done: number, total: number): void;
    onPool(event: { type: string; pid?: number }): void;
    signal: AbortSignal;
  }): Promise<WordTotal>;
}

/** What it counted. */
export interface WordTotal {
  words: number;
  distinct: number;
  top: [word: string, count: number][];
  /** Documents that an earlier run had counted. */
  before: number;
  /** Attempts that failed and were tried again. */
  retries: number;
}

/** Loads the example that stands beside src/; undefined where only the package was installed. */
export async function loadExample(): Promise<WordCountExample | undefined> {
  // A name that is put together is neither bundled into dist/ nor an import of the library's.
  const url = new URL("../../examples/word_count.ts", import.meta.url);
  if (url.protocol !== "file:" || !fs.existsSync(fileURLToPath(url))) return undefined;
  return (await import(url.href)) as WordCountExample;
}

/** Counts and shows. */
export async function runDemo(
  example: WordCountExample,
  text: FolderText,
  address: string,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const began = performance.now();
  const { files, bytes, pieces } = text;
  const kib = Math.ceil(bytes / 1024);
  output.event("demo", { files, pieces: pieces.length, bytes, isCut: text.isCut });
  output.line(
    `Counting the words of ${plural(files, "file")} (${number(kib)} KiB, ${
      plural(pieces.length, "task")
    }) by a pool of 2 processes with 2 slots each. One task fails on purpose, once.`,
  );
  if (text.isCut) output.line("There are more files than a demo needs; the rest was left out.");
  const onProgress = (done: number, total: number): void => {
    if (!signal.aborted) output.progress("counting", done, total);
  };
  const onPool = (event: { type: string }): void => output.event("pool", { ...event });
  const total = await example.wordCount({ address, documents: pieces, onProgress, onPool, signal });
  const ms = Math.round(performance.now() - began);
  output.event("result", { ...total, top: total.top.map(([word, count]) => ({ word, count })), ms });
  output.line();
  output.line();
  for (const line of table(total.top, output)) output.line(line);
  output.line();
  const before = total.before > 0 ? `; ${plural(total.before, "document")} had been counted before` : "";
  const retries = total.retries > 0
    ? `; ${plural(total.retries, "attempt")} failed and ${total.retries === 1 ? "was" : "were"} repeated`
    : "";
  output.line(
    `${plural(total.words, "word")}, ${number(total.distinct)} different, in ${number(ms)} ms${before}${retries}.`,
  );
}

function table(top: WordTotal["top"], output: Output): string[] {
  const most = top[0]?.[1] ?? 1;
  const wordWidth = Math.min(32, Math.max(...top.map(([word]) => [...word].length)));
  const countWidth = number(most).length;
  return top.map(([word, count], index) => {
    const letters = [...word];
    const shown = letters.length > wordWidth
      ? `${letters.slice(0, wordWidth - 1).join("")}…`
      : word + " ".repeat(wordWidth - letters.length);
    const bar = "▪".repeat(Math.max(1, Math.round((count * 24) / most)));
    return `  ${output.dim(String(index + 1).padStart(2))}  ${output.bold(shown)}  ${
      number(count).padStart(countWidth)
    }  ${output.dim(bar)}`;
  });
}

function number(value: number): string {
  return value.toLocaleString("en-US");
}

function plural(count: number, noun: string): string {
  return `${number(count)} ${noun}${count === 1 ? "" : "s"}`;
}
