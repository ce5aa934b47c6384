/**
 * Agents count the words of some files, by messages. Try it: `npm start -- --demo docs`
 *
 *   reader ──request──▶ counter 1, 2, 3     "count this piece"; the reply is JSON: { "the": 12, … }
 *   reader ──message──▶ collector           the counts of one piece
 *   collector ─message─▶ user               how far it is, and in the end the most frequent words
 */
import { AgentClient, type Dial, MessageType, UserClient } from "@aether-edge/sdk";

/** What to count, and where the gateway is: an address, or a `dial` such as `gateway.dial()`. */
export interface WordCountOptions {
  address?: string;
  dial?: Dial;
  /** Texts of at most 512 KiB each; empty is allowed, none at all is not. */
  files: { name: string; text: string }[];
  /** Hears how many of the files are counted. */
  onProgress?: (done: number, total: number) => void;
  /** Ends it early. */
  signal?: AbortSignal;
}

/** What was counted. */
export interface WordTotal {
  words: number;
  distinct: number;
  /** The most frequent words, at most 20. */
  top: [word: string, count: number][];
  /** How many of the files each counter took. */
  shares: number[];
}

/** What the collector tells the user. */
type News = { done: number; total: number; result?: Omit<WordTotal, "shares"> };

const WORKSPACE = "word-count";
const USER = "you";
const TRIES = 5;
const encode = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));

/** Counts the words of some texts. Letters and digits make a word, an apostrophe may be inside; case does not matter. */
export async function wordCount(options: WordCountOptions): Promise<WordTotal> {
  const { address, dial, files, signal } = options;
  const agent = (implementation: string, specifier: string): AgentClient =>
    new AgentClient({ address, dial, workspace: WORKSPACE, implementation, specifier });
  const reader = agent("reader", "1");
  const counters = ["1", "2", "3"].map((specifier) => agent("counter", specifier));
  const collector = agent("collector", "1");
  const user = new UserClient({ address, dial, userId: USER, windowId: "terminal", workspace: WORKSPACE });
  const everybody = [user, collector, ...counters, reader];

  // What goes wrong where nobody waits for it ends the whole.
  const trouble = new Promise<never>((_, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason));
    for (const client of [user, collector]) client.onError(reject);
  });
  trouble.catch(() => {}); // it may also come after the race below is over

  for (const counter of counters) counter.onRequest((request) => JSON.stringify(countWords(request.text())));
  collect(collector, files.length);
  const result = watch(user, options);

  try {
    signal?.throwIfAborted();
    await Promise.race([trouble, Promise.all(everybody.map((client) => client.connect({ signal })))]);
    const [shares, total] = await Promise.race([trouble, Promise.all([read(reader, counters, files, signal), result])]);
    return { ...total, shares };
  } finally {
    await Promise.allSettled(everybody.map((client) => client.disconnect()));
  }
}

/** The reader: every counter gets its next piece when it has answered the last one, so the fast ones get more. */
async function read(
  reader: AgentClient,
  counters: AgentClient[],
  files: WordCountOptions["files"],
  signal?: AbortSignal,
): Promise<number[]> {
  const waiting = files.map((file) => ({ ...file, tries: 0 })).reverse();
  const serve = async (counter: AgentClient): Promise<number> => {
    let share = 0;
    for (let file = waiting.pop(); file; file = waiting.pop()) {
      try {
        const counts = await reader.request(counter.topic, encode(file.text), { signal });
        await reader.sendToAgent(WORKSPACE, "collector", "1", counts.payload, MessageType.Opaque, {
          metadata: { file: file.name },
        });
        share++;
      } catch (error) {
        if (signal?.aborted || ++file.tries === TRIES) throw error;
        waiting.push(file); // for whoever is free first, perhaps another counter
        await new Promise((resolve) => setTimeout(resolve, 100 * file.tries));
      }
    }
    return share;
  };
  return await Promise.all(counters.map(serve));
}

/** A counter's work. */
function countWords(text: string): Record<string, number> {
  const counts = new Map<string, number>();
  for (const [word] of text.toLowerCase().matchAll(/[\p{L}\p{M}\p{N}]+(?:['’][\p{L}\p{M}\p{N}]+)*/gu)) {
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return Object.fromEntries(counts);
}

/** The collector: adds up what comes, and tells the user. */
function collect(collector: AgentClient, total: number): void {
  const sums = new Map<string, number>();
  let done = 0;
  collector.onMessage(async (message) => {
    for (const [word, count] of Object.entries(message.json<Record<string, number>>())) {
      sums.set(word, (sums.get(word) ?? 0) + count);
    }
    done++;
    const news: News = { done, total };
    if (done === total) {
      const sorted = [...sums].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
      const words = sorted.reduce((sum, [, count]) => sum + count, 0);
      news.result = { words, distinct: sorted.length, top: sorted.slice(0, 20) };
    }
    await collector.sendToUserWorkspace(USER, WORKSPACE, encode(news));
  });
}

/** The user: watches, until the result is there. */
function watch(user: UserClient, { onProgress }: WordCountOptions): Promise<Omit<WordTotal, "shares">> {
  return new Promise((resolve) => {
    user.onMessage((message) => {
      const { done, total, result } = message.json<News>();
      onProgress?.(done, total);
      if (result) resolve(result);
    });
  });
}
