// edge: no Deno, Bun, node: or cloudflare: names

/** Whether bytes are all of their memory, but for at most so many in front, which are their own head. */
function isAlone({ buffer, byteOffset, byteLength }: Uint8Array, front: number): boolean {
  return byteOffset <= front && byteOffset + byteLength === buffer.byteLength;
}

/** Bytes whose memory is theirs alone: whoever gets them may hand it on. Those that share it are copied. */
export function owned(bytes: Uint8Array, front: number): Uint8Array {
  return isAlone(bytes, front) ? bytes : bytes.slice();
}

/**
 * Lets the memory go of bytes that nobody reads any more. A collector sees a small object and finds out late how much hangs on it:
 * of what streams through, memory that is still warm is used again. Nothing happens to bytes that share theirs, nor where the
 * platform cannot do it.
 */
export function letGo(bytes: Uint8Array, front = 0): void {
  if (bytes.length > 0 && isAlone(bytes, front)) (bytes.buffer as { transfer?(length: number): void }).transfer?.(0);
}
