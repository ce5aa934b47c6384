// edge: no Deno, Bun, node: or cloudflare: names
import type { ConfigSnapshot } from "./config.ts";
import type { KvChangeEvent, KvCondition, KvEntry, KvOutcome, KvPlace, KvState } from "./kv.ts";
import type { Gap, Signal } from "./messages.ts";
import type { Identity } from "./principals.ts";
import type { ProgressReport, ProgressUpdate } from "./progress.ts";

type Key = KvPlace & { key: string };
/** Seconds; 0 or left out for no end. */
type Ttl = { ttl?: number };

/** A checkpoint as it is stored. */
export interface CheckpointInfo {
  /** Its name. */
  key: string;
  /** Bytes. */
  size: number;
  /** When it was saved, ms since epoch. */
  savedAt: number;
  /** Grows with every save. */
  revision: number;
}

/** Every operation a client may have the gateway do: what goes in, what comes out. Both ends compile against it. */
export interface OpMap {
  "kv.get": { in: Key; out: KvState };
  "kv.put": { in: Key & Ttl & { value: Uint8Array }; out: { revision: number } };
  "kv.delete": { in: Key; out: { found: boolean; revision: number } };
  "kv.list": {
    in: KvPlace & { prefix?: string; cursor?: string; limit?: number };
    out: { entries: KvEntry[]; nextCursor?: string };
  };
  /** Adds to a counter; with `limit` only when the result is not beyond it, seen in the direction of `delta`. */
  "kv.add": { in: Key & Ttl & { delta: number | bigint; limit?: number | bigint }; out: KvOutcome };
  "kv.putIf": { in: Key & Ttl & KvCondition & { value: Uint8Array }; out: KvOutcome };
  "kv.deleteIf": { in: Key & KvCondition; out: KvOutcome };
  "kv.setAdd": { in: Key & Ttl & { member: Uint8Array }; out: KvOutcome };
  "kv.setCard": { in: Key; out: KvOutcome };
  /**
   * Changes after a revision, oldest first; waits until there is one. `gap` says that removals before may be missing, and
   * the changes begin anew.
   */
  "kv.changes": {
    in: KvPlace & { key?: string; prefix?: string; after: number; limit?: number };
    out: { changes: KvChangeEvent[]; next: number; gap?: boolean };
  };
  /** One part of a checkpoint; with the last one it takes the place of what was there. */
  "checkpoint.save": {
    in: Ttl & { key: string; upload: string; part: number; data: Uint8Array; isLast: boolean; ifRevision?: number };
    out: Partial<CheckpointInfo>;
  };
  /** A checkpoint's head and one of its parts. */
  "checkpoint.load": {
    in: { key: string; part: number; ifRevision?: number };
    out: { found: boolean; info?: CheckpointInfo; parts?: number; data?: Uint8Array };
  };
  "checkpoint.delete": { in: { key: string; ifRevision?: number }; out: { found: boolean } };
  "checkpoint.list": { in: { cursor?: string }; out: { entries: CheckpointInfo[]; nextCursor?: string } };
  "workspace.switch": { in: { workspace: string }; out: { identity: Identity; topic: string; config: ConfigSnapshot } };
  "progress.report": { in: ProgressReport; out: null };
}
/** Name of an operation. */
export type OpName = keyof OpMap;
/** What goes into it. */
export type OpInput<Op extends OpName> = OpMap[Op]["in"];
/** What comes out of it. */
export type OpOutput<Op extends OpName> = OpMap[Op]["out"];

/** Everything a client may be told without having asked: name and body. */
export interface NoticeMap {
  /** Messages are gone. */
  gap: Gap;
  /** The connection is about to end. */
  signal: Signal;
  /** What the principal finds in the key-value store. */
  config: ConfigSnapshot;
  /** How far somebody's work is. */
  progress: ProgressUpdate;
}
/** One such word. */
export type Notice = { [Name in keyof NoticeMap]: { name: Name; body: NoticeMap[Name] } }[keyof NoticeMap];
