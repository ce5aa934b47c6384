// edge: no Deno, Bun, node: or cloudflare: names
/**
 * Lets the memory go of bytes that nobody reads any more. A collector sees a small object and finds out late how much hangs on it:
 * of what streams through, memory that is still warm is used again. Nothing happens to bytes that are a part of more, but for
 * so many in front, nor where the platform cannot do it.
 */
export function letGo({ buffer, byteLength }: Uint8Array, front = 0): void {
  if (byteLength > 0 && byteLength + front >= buffer.byteLength) {
    (buffer as { transfer?(length: number): void }).transfer?.(0);
  }
}
