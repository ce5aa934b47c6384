// edge: no Deno, Bun, node: or cloudflare: names
import { Packr } from "msgpackr/pack";
import { InvalidArgumentError } from "../errors.ts";
import { DEFAULT_LIMITS } from "./limits.ts";

/**
 * MessagePack for structured bodies, set up for bytes of strangers: no records, no object references (429 bytes could
 * otherwise unfold to 50 MB), 64-bit integers as bigint only where a number would lose precision. Extensions cannot be
 * switched off in msgpackr, so `scan` refuses them, and too deep nesting, before it sees a byte.
 */
// msgpackr's types do not know "auto", its documentation and code do.
const packr = new Packr(
  { useRecords: false, structuredClone: false, int64AsType: "auto" } as unknown as ConstructorParameters<
    typeof Packr
  >[0],
);

/** Encodes plain data. The bytes are the caller's own: msgpackr's shared pool never leaks out. */
export function encodeStructured(value: unknown): Uint8Array {
  const bytes = packr.pack(value);
  return new Uint8Array(bytes);
}

/**
 * Decodes plain data of a stranger.
 * @throws {InvalidArgumentError} when it is not MessagePack, has extensions, is nested deeper than `depth` or has trailing bytes
 */
export function decodeStructured(bytes: Uint8Array, depth: number = DEFAULT_LIMITS.structuredDepth): unknown {
  scan(bytes, depth);
  try {
    return packr.unpack(bytes);
  } catch (cause) {
    throw new InvalidArgumentError("Cannot decode a structured body: it is not valid MessagePack", undefined, {
      cause,
    });
  }
}

/** Walks the bytes once, without recursion or allocation beyond a small stack, and refuses what must not be decoded. */
function scan(bytes: Uint8Array, depth: number): void {
  const left: number[] = [];
  let at = 0;
  let pending = 1;
  const uint = (size: number): number => {
    if (at + size > bytes.length) throw new InvalidArgumentError("Cannot decode a structured body: it ends too early");
    let value = 0;
    for (const end = at + size; at < end; at++) value = value * 256 + bytes[at];
    return value;
  };
  const skip = (size: number): void => {
    at += size;
  };
  const open = (items: number): void => {
    if (left.length >= depth) {
      throw new InvalidArgumentError(`Cannot decode a structured body: nested deeper than ${depth}`);
    }
    left.push(pending);
    pending = items;
  };
  while (true) {
    while (pending === 0) {
      if (left.length === 0) {
        if (at !== bytes.length) {
          throw new InvalidArgumentError("Cannot decode a structured body: bytes follow its end");
        }
        return;
      }
      pending = left.pop()!;
    }
    pending--;
    const tag = uint(1);
    if (tag <= 0x7f || tag >= 0xe0 || tag === 0xc0 || tag === 0xc2 || tag === 0xc3) continue;
    else if (tag <= 0x8f) open((tag & 15) * 2);
    else if (tag <= 0x9f) open(tag & 15);
    else if (tag <= 0xbf) at += tag & 31;
    else if (tag >= 0xc4 && tag <= 0xc6) skip(uint(1 << (tag - 0xc4)));
    else if (tag >= 0xca && tag <= 0xcb) at += 4 << (tag - 0xca);
    else if (tag >= 0xcc && tag <= 0xcf) at += 1 << (tag - 0xcc);
    else if (tag >= 0xd0 && tag <= 0xd3) at += 1 << (tag - 0xd0);
    else if (tag >= 0xd9 && tag <= 0xdb) skip(uint(1 << (tag - 0xd9)));
    else if (tag === 0xdc || tag === 0xdd) open(uint(tag === 0xdc ? 2 : 4));
    else if (tag === 0xde || tag === 0xdf) open(uint(tag === 0xde ? 2 : 4) * 2);
    else throw new InvalidArgumentError(`Cannot decode a structured body: type 0x${tag.toString(16)} is not allowed`);
    if (at > bytes.length) throw new InvalidArgumentError("Cannot decode a structured body: it ends too early");
  }
}
