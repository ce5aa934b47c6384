// edge: no Deno, Bun, node: or cloudflare: names
import type { ClientOptions } from "../client/options.ts";
import type { PoolEvent } from "./pool.ts";

/** What keeps tasks apart: threads of this process, processes of their own, or nothing. */
export type Isolation = "thread" | "process" | "none";

/** Options of `runWorkerPool`; those of its clients are among them. */
export interface WorkerPoolOptions extends Omit<ClientOptions, "clock" | "random"> {
  /** The module whose exported tasks it does: a path from the working directory, or a URL. */
  module: string | URL;
  /** Where it works. */
  workspace: string;
  /** The pool's name; when left out, that of its tasks, if they agree on one. */
  implementation?: string;
  /** How many isolates, each with a connection of its own; 1 when left out. */
  processes?: number;
  /** Tasks at a time in each of them; 1 when left out. */
  slots?: number;
  /** What keeps tasks apart; `thread` when left out. Whatever it is, the connections are the calling process's. */
  isolate?: Isolation;
  /** MiB an isolate may use: beyond it, it is replaced when its tasks are done, far beyond it at once. */
  memoryMb?: number;
  /** Replaces the isolates when a file beside or below the module changes. */
  watch?: boolean;
  /** Ends when there was nothing to do for so many ms. */
  idleExitMs?: number;
  /** How long it lets tasks finish when it stops, in ms; 10 000 when left out. */
  drainMs?: number;
  /** How long a task that was told to stop may take to end, in ms; 5 000 when left out. Then its isolate is ended. */
  graceMs?: number;
  /** How long its tasks wait for it when a connection breaks, in ms; 0 when left out. */
  reconnectMs?: number;
  /** What `process` isolates are started with besides, such as `--allow-net=example.com` on Deno. */
  isolateArgs?: readonly string[];
  /** Stops it as SIGTERM does. */
  signal?: AbortSignal;
  /** Whether SIGTERM and SIGINT stop it, and a second one ends it at once; true when left out. */
  handleSignals?: boolean;
  /** Whether to ask the gateway how much waits, for the `stats` events. */
  countQueue?: boolean;
  /** Hears what happens. */
  onEvent?(event: PoolEvent): void;
}
