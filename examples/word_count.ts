/**
 * Counts the words of documents, a task for each. Try it: `npm start -- --demo docs`
 *
 *   indexer ──task──▶ pool of isolates        "count this document"; a failed one is tried again
 *   indexer ◀─result── … ──▶ key-value store  the counts of one document, under documents/<document>
 *   indexer ──progress──▶ user                how far it is
 *
 * End it in the middle, by `kill -9` even, and start it again: what was counted is in the key-value store, which documents
 * those are is in the indexer's checkpoint, and a task is made once for each document, whoever asks again.
 */
import { AgentClient, type TaskHandle, UserClient } from "@aether-edge/sdk";
import { defineTask, type PoolEvent, runWorkerPool } from "@aether-edge/sdk/worker";

/** What to count, and where the gateway is. */
export interface WordCountOptions {
  address: string;
  /** Texts of at most 512 KiB each; empty is allowed, none at all is not. */
  documents: { name: string; text: string }[];
  /** Hears how many of the documents are counted. */
  onProgress?: (done: number, total: number) => void;
  /** Hears what the pool has to say of its isolates. */
  onPool?: (event: PoolEvent) => void;
  /** Ends it early. */
  signal?: AbortSignal;
}

/** What was counted. */
export interface WordTotal {
  words: number;
  distinct: number;
  /** The most frequent words, at most 20. */
  top: [word: string, count: number][];
  /** Documents that an earlier run had counted already. */
  before: number;
  /** Attempts that failed and were tried again. */
  retries: number;
}

type Counts = Record<string, number>;

/** What is kept of one document. */
export interface Counted {
  name: string;
  counts: Counts;
}

/** Where it is kept. */
export const WORKSPACE = "word-count";
/** What the keys of documents begin with. */
export const DOCUMENTS = "documents/";
const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const decode = <T>(bytes: Uint8Array): T => JSON.parse(new TextDecoder().decode(bytes)) as T;

/** The work: isolates load this module and find the task by this name. */
export const countWords = defineTask({
  type: "count-words",
  retry: { maxAttempts: 3, backoff: "fixed", initialDelayMs: 100 },
  timeoutMs: 30_000,
  run({ text, stumble }: { text: string; stumble: boolean }, ctx): Counts {
    // One document fails on purpose, so that you see a second attempt.
    if (stumble && ctx.attempt === 1) throw new Error("stumbled on purpose");
    const counts = new Map<string, number>();
    for (const [word] of text.toLowerCase().matchAll(/\p{L}[\p{L}\p{M}\p{N}]*(?:['’][\p{L}\p{M}\p{N}]+)*/gu)) {
      counts.set(word, (counts.get(word) ?? 0) + 1);
    }
    return Object.fromEntries(counts);
  },
});

/** Counts the words of some documents. A word begins with a letter, digits and an apostrophe may follow; case does not matter. */
export async function wordCount(options: WordCountOptions): Promise<WordTotal> {
  const { address, documents, onProgress, onPool, signal } = options;
  const stop = new AbortController();
  signal?.addEventListener("abort", () => stop.abort(signal.reason), { once: true });
  await using user = new UserClient({ address, userId: "you", windowId: "terminal", workspace: WORKSPACE });
  await using indexer = new AgentClient({ address, workspace: WORKSPACE, implementation: "indexer", specifier: "1" });
  await Promise.all([user.connect({ signal }), indexer.connect({ signal })]);
  user.onProgress(({ stepSequence = 0, stepTotal = 0 }) => onProgress?.(stepSequence, stepTotal));
  const pool = runWorkerPool({
    module: import.meta.url,
    address,
    workspace: WORKSPACE,
    processes: 2,
    slots: 2,
    isolate: "process",
    handleSignals: false,
    signal: stop.signal,
    onEvent: onPool,
  });
  try {
    // The pool ends when it is told to; before that only because it failed.
    return await Promise.race([index(indexer, documents, signal), pool.then(() => never(signal))]);
  } finally {
    stop.abort();
    await pool.catch(() => {});
  }
}

/** The indexer's work: makes a task for each document that is not counted yet, and keeps what comes back. */
async function index(
  indexer: AgentClient,
  documents: WordCountOptions["documents"],
  signal: AbortSignal | undefined,
): Promise<WordTotal> {
  const keys = await Promise.all(documents.map(keyOf));
  const saved = await indexer.checkpoint().load({ key: "indexed" });
  const done = new Set(saved.found ? decode<string[]>(saved.data!).filter((key) => keys.includes(key)) : []);
  const before = done.size;
  let retries = 0;
  const report = (): Promise<void> =>
    indexer.reportProgress({ stepName: "counting", stepSequence: done.size, stepTotal: documents.length });
  const collect = async (name: string, key: string, handle: TaskHandle<Counts>): Promise<void> => {
    const counted: Counted = { name, counts: await handle.result({ signal }) };
    await indexer.kv().put({ key: DOCUMENTS + key, value: encode(counted) });
    done.add(key);
    await indexer.checkpoint().save({ key: "indexed", data: encode([...done]) });
    retries += (await indexer.getTask(handle.taskId)).task?.failures ?? 0;
    await report();
  };
  const todo = documents.map((document, at) => ({ ...document, key: keys[at], stumble: at === 0 }));
  const results = todo.filter(({ key }) => !done.has(key)).map(async ({ name, key, text, stumble }) => {
    // The same key again, after a restart, finds the task that is there and what came of it.
    const handle = await indexer.createTask({
      task: countWords,
      input: { text, stumble },
      idempotencyKey: key,
      signal,
    });
    await collect(name, key, handle);
  });
  await Promise.all([report(), ...results]);
  return { ...await total(indexer, keys), before, retries };
}

/** Adds up what is in the key-value store. */
async function total(
  indexer: AgentClient,
  keys: readonly string[],
): Promise<Pick<WordTotal, "words" | "distinct" | "top">> {
  const sums = new Map<string, number>();
  for await (const { key, value } of indexer.kv().list({ keyPrefix: DOCUMENTS })) {
    if (!keys.includes(key.slice(DOCUMENTS.length))) continue;
    for (const [word, count] of Object.entries(decode<Counted>(value).counts)) {
      sums.set(word, (sums.get(word) ?? 0) + count);
    }
  }
  const sorted = [...sums].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  const words = sorted.reduce((sum, [, count]) => sum + count, 0);
  return { words, distinct: sorted.length, top: sorted.slice(0, 20) };
}

/** A document by its name and what is in it: a changed one is another one. */
async function keyOf({ name, text }: { name: string; text: string }): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`${name}\n${text}`));
  return Array.from(new Uint8Array(digest).slice(0, 16), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function never(signal: AbortSignal | undefined): never {
  throw signal?.reason ?? new Error("the pool ended before the documents were counted");
}
