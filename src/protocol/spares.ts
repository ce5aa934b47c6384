// edge: no Deno, Bun, node: or cloudflare: names

/** Buffers between these are worth keeping, and no more than so many. */
const LEAST_BYTES = 8192;
const MOST_BYTES = 81_920;
const COUNT = 8;

const spares: Uint8Array[] = [];

/** A buffer of at least so many bytes. It may have been used before: every byte of it MUST be written before it is shown. */
export function makeRoom(size: number): Uint8Array {
  const at = size < LEAST_BYTES ? -1 : spares.findIndex(({ length }) => length >= size);
  return spares.splice(at < 0 ? COUNT : at, 1)[0] ?? new Uint8Array(size);
}

/**
 * Gives back the buffer of which somebody has a view, for good: nobody may read it any more. A connection that is busy fills and
 * empties one after the other, and making them took a seventh of a client's time.
 */
export function giveBack({ buffer }: Uint8Array): void {
  const size = buffer.byteLength;
  if (size >= LEAST_BYTES && size <= MOST_BYTES && spares.length < COUNT) spares.push(new Uint8Array(buffer));
}
