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

/** What examples/search.ts exports, as far as the CLI uses it. */
export interface SearchExample {
  search(options: { address: string }): Promise<AsyncDisposable>;
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

/** Loads the examples that stand beside src/; undefined where only the package was installed. */
export async function loadExamples(): Promise<(WordCountExample & SearchExample) | undefined> {
  // Names that are put together are neither bundled into dist/ nor imports of the library's.
  const urls = ["word_count", "search"].map((name) => new URL(`../../examples/${name}.ts`, import.meta.url));
  if (!urls.every((url) => url.protocol === "file:" && fs.existsSync(fileURLToPath(url)))) return undefined;
  const [words, search] = await Promise.all(urls.map((url) => import(url.href)));
  return { ...(words as WordCountExample), ...(search as SearchExample) };
}

/** Counts and shows. */
export async function runDemo(
  example: WordCountExample,
  text: FolderText,
  address: string,
  output: Output,
  signal: AbortSignal,
): Promise<WordTotal> {
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
  return total;
}

/** Starts the search over what was counted, asks it once by HTTP, and says where it is; it ends with what is returned. */
export async function runSearch(
  example: SearchExample,
  { url, httpUrl }: { url: string; httpUrl: string },
  { top }: WordTotal,
  output: Output,
  signal: AbortSignal,
): Promise<AsyncDisposable> {
  const service = await example.search({ address: url });
  const page = `${httpUrl}/s/search/`;
  const word = top[0]?.[0] ?? "";
  const response = await fetch(`${page}find?word=${encodeURIComponent(word)}`, { signal });
  const hits = (await response.text()).split("\n").filter((line) => line !== "");
  output.event("search", { url: page, word, documents: hits.length, status: response.status });
  if (word) {
    output.line(`"${word}" is in ${plural(hits.length, "document")}, says the search service when asked by HTTP.`);
  }
  output.line(`  Search     ${output.bold(page)}`);
  return service;
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
