/** What scenarios, fabrics and the runner agree on. A scenario is written once; ours, a control or a peer plugs in. */

import type { Cost } from "./cost.ts";

/** One connected participant, numbered from 0. */
export interface Party {
  /** Sends to a party. A promise is the receipt; undefined where the fabric has none. */
  send(to: number, bytes: Uint8Array): Promise<unknown> | undefined;
  /** Sends to every other party. */
  broadcast(bytes: Uint8Array): Promise<unknown> | undefined;
  /** Hears what was sent to it. */
  onMessage(handler: (bytes: Uint8Array) => void): void;
  /** Asks a party and waits for its answer. */
  request(to: number, bytes: Uint8Array): Promise<Uint8Array>;
  /** Answers requests with the bytes they brought. */
  echo(): void;
  /** Leaves. */
  close(): Promise<void>;
  /** Loses its connection, as by a broken wire; the session stays. Fabrics that resume have it. */
  lose?(): void;
  /** Connects again and has its session back; resolves when it may be dialled, not when all is there. */
  regain?(): void;
}

/** Connects parties to a server; one that lasts comes back after it has lost its connection. */
export type Join = (url: string, index: number, isLasting?: boolean) => Promise<Party>;

/** What callers do again and again. Exactly one of the two. */
export interface Work {
  /** Does it once; resolves when it is done, and kept as the server keeps things. */
  readonly call?: () => Promise<unknown>;
  /** Does it so many times as one group, at once: a control that has no server between. */
  readonly group?: (count: number) => void;
}

/** A way to ask by HTTP. */
export interface Fetches {
  /** What its figures begin with. */
  readonly name: string;
  readonly fetch: (path: string, init?: { method: string; body: Uint8Array<ArrayBuffer> }) => Promise<Response>;
}

/** What can be asked of something that keeps state. Each is made ready by calling it. */
export interface Works {
  /** Sends to somebody who listens; done with the receipt. */
  send?(bytes: Uint8Array): Promise<Work>;
  /** Writes one of the keys after the other. */
  put?(bytes: Uint8Array): Promise<Work>;
  /** Reads one of the keys after the other, which hold these bytes; {@link Works.put} comes first. */
  get?(bytes: Uint8Array): Promise<Work>;
  /** Has so many watchers of the keys; `heard` is called by each for each change. Resolves when they watch. */
  watch?(watchers: number, heard: (key: string) => void): Promise<void>;
  /** Writes one of the keys at once, by name. */
  set?(key: string, bytes: Uint8Array): Promise<unknown>;
  /** Has a worker do a task; done with its result, which is what was given. */
  task?(bytes: Uint8Array): Promise<Work>;
  /** Ways to ask by HTTP. */
  http?: readonly Fetches[];
  /** Has a worker begin a task that does not end; resolves when it is made, to what takes it back. */
  hold?(bytes: Uint8Array): Promise<() => Promise<unknown>>;
}

/** Connects to what keeps state. */
export type Connect = (url: string) => Works | Promise<Works>;

/** Takes tasks, and says when one begins that does not end. */
export type Labour = (url: string, slots: number, begun: () => void, isolates: number) => Promise<void>;

/** A process that takes tasks. */
export interface WorkerProcess {
  /** Hears when a task that does not end begins there. */
  onBegin: () => void;
  /** Ends it at once. */
  kill(): void;
}

/** A process with one party that stops reading. */
export interface Sleeper {
  /** From now on it reads nothing, for longer than any cell lasts. */
  sleep(): void;
}

/** What a scenario is given. */
export interface Setting {
  /** What follows the colon of a scenario's name, for instance how large or how many; empty when nothing does. */
  readonly option: string;
  /** Which fabric it is. */
  readonly fabric: string;
  readonly join: (index: number, isLasting?: boolean) => Promise<Party>;
  readonly works: () => Promise<Works>;
  /** Starts a worker process; resolves when it takes tasks. */
  readonly worker: (slots: number) => Promise<WorkerProcess>;
  /** How long one figure is measured, in ms. */
  readonly ms: number;
  /** Resident bytes of the server process, after a collection where there is a collector. */
  readonly serverMemory: () => Promise<number>;
  /** CPU of both sides so far; undefined where the system does not tell. */
  readonly cost: () => Cost | undefined;
  /** From the start of the server process until it listened, in ms. */
  readonly bootMs: number;
  /** From the start of a fresh process until it is connected, or has had its first answer, in ms. */
  readonly coldStart: (what: "join" | "fetch") => Promise<number>;
  /** Starts a process with a party of this index that hears messages until it sleeps. */
  readonly sleeper: (index: number) => Promise<Sleeper>;
}

/** Figures by name; the unit is the end of the name. */
export type Figures = Record<string, number>;

/** One scenario. */
export type Scenario = (setting: Setting) => Promise<Figures>;

/** Bytes of every payload. */
export const PAYLOAD_BYTES = 256;
/** Keys that are written and read. */
export const KEYS = 1000;

/** What all of them begin with. */
export const KEY_PREFIX = "checkpoint.";

/** A payload. */
export function payload(bytes = PAYLOAD_BYTES): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes).fill(7);
}

/** Names keys, each a step away from the last. */
export function keys(): () => string {
  let at = 0;
  return () => `${KEY_PREFIX}${(at++ * 7) % KEYS}`;
}

/** Makes sure of what came back. */
export function expect(bytes: Uint8Array | undefined): void {
  if (bytes?.length !== PAYLOAD_BYTES) throw new Error("what came back is not what was given");
}
