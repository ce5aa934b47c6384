// edge: no Deno, Bun, node: or cloudflare: names
import type { HttpRequestHead } from "../protocol/http.ts";
import type { Identity } from "../protocol/principals.ts";
import type { OpenFrame } from "../protocol/stream_frames.ts";

/** Who opens streams. */
export interface Caller {
  readonly topic: string;
  readonly workspace: string | undefined;
  /** Undefined for the gateway's own program, which may call anybody. */
  readonly identity: Identity | undefined;
}

/** An `Open`, whose head an end in the gateway's own process has not written. */
export type Opening = Omit<OpenFrame, "head" | "workspace"> & { readonly head: Uint8Array | HttpRequestHead };
