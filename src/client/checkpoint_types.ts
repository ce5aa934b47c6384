// edge: no Deno, Bun, node: or cloudflare: names
import type { CheckpointInfo } from "../protocol/ops.ts";

/** Which checkpoint, and how long to wait. */
export interface CheckpointOptions {
  /** Its name; `default` when left out. */
  key?: string;
  /** How long to wait for the answer to each part, in ms; 10 000 by default. */
  timeout?: number;
  /** Stops it; what was saved before stays. */
  signal?: AbortSignal;
  /** Only when it still has this revision; 0 means that there is none yet. */
  ifRevision?: number;
}
/** What to save. */
export interface CheckpointSaveOptions extends CheckpointOptions {
  /** The bytes, at most 16 MiB. */
  data: Uint8Array;
  /** Seconds after which it is gone; 0 or left out for never. */
  ttl?: number;
}

/** What became of it. */
export interface CheckpointResponse {
  /** Always true: what fails is thrown. */
  success: true;
  /** Whether there is such a checkpoint. */
  found: boolean;
  /** Its bytes. */
  data?: Uint8Array;
  /** Names, of a list. */
  keys: string[];
  /** All checkpoints, of a list. */
  entries: CheckpointInfo[];
  /** Bytes. */
  size: number;
  /** When it was saved, ms since epoch; 0 when there is none. */
  savedAt: number;
  /** Grows with every save; 0 when there is none. */
  revision: number;
}
