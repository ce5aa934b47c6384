// edge: no Deno, Bun, node: or cloudflare: names
import { concatBytes } from "../base/bytes.ts";

/** What was joined last: those who hear the same in a turn are asked for one after the other. */
let last: { readonly frames: readonly Uint8Array[]; readonly bytes: Uint8Array } | undefined;

/** Frames as one message, which all have in common who have the same frames: nobody may write into it. */
export function joined(frames: readonly Uint8Array[]): Uint8Array {
  if (frames.length === 1) return frames[0];
  if (!last || !areSame(last.frames, frames)) last = { frames, bytes: concatBytes(frames) };
  return last.bytes;
}

function areSame(one: readonly Uint8Array[], other: readonly Uint8Array[]): boolean {
  if (one.length !== other.length) return false;
  // From the end: what differs began at another time, or ended there.
  for (let at = one.length - 1; at >= 0; at--) if (one[at] !== other[at]) return false;
  return true;
}
