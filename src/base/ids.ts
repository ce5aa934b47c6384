// edge: no Deno, Bun, node: or cloudflare: names
import { base64url } from "./bytes.ts";

/** Where chance comes from, so that a seeded run repeats itself. */
export interface Random {
  /** A number in [0, 1). */
  next(): number;
  /** Fresh random bytes. */
  bytes(length: number): Uint8Array;
}

/** Chance from the platform. */
export const systemRandom: Random = {
  next: () => Math.random(),
  bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
};

/** An unguessable id of 18 random bytes, 24 characters. */
export function secretId(random: Random): string {
  return base64url(random.bytes(18));
}

/** An id of 9 random bytes, 12 characters: unique enough to name a producer or a pool worker. */
export function shortId(random: Random): string {
  return base64url(random.bytes(9));
}

/** Chance from a seed (mulberry32, public domain): every run with the same seed is the same. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  return { next, bytes: (length) => Uint8Array.from({ length }, () => Math.floor(next() * 256)) };
}
