// edge: no Deno, Bun, node: or cloudflare: names
import { Unpackr } from "msgpackr/unpack";
import { InvalidArgumentError } from "../errors.ts";
import { utf8 } from "../base/bytes.ts";
import { STRUCTURED_DEPTH } from "./limits.ts";

/**
 * MessagePack for structured bodies, set up for bytes of strangers: no records, no object references (429 bytes could
 * otherwise unfold to 50 MB), 64-bit integers as bigint only where a number would lose precision. Extensions cannot be
 * switched off in msgpackr, so `scan` refuses them, and too deep nesting, before it sees a byte.
 */
// msgpackr's types do not know "auto", its documentation and code do.
const unpackr = new Unpackr(
  { useRecords: false, structuredClone: false, int64AsType: "auto" } as unknown as ConstructorParameters<
    typeof Unpackr
  >[0],
);

/**
 * Encodes plain data: null, booleans, numbers, bigints of 64 bits, texts, bytes, arrays, objects; undefined is left out.
 * By hand, because a client encodes a few small bodies and msgpackr's encoder would be a third of its bundle.
 * @throws {InvalidArgumentError} for anything else, or when it is nested deeper than `depth`
 */
export function encodeStructured(value: unknown, depth: number = STRUCTURED_DEPTH): Uint8Array {
  const out: number[] = [];
  put(out, value, depth);
  return Uint8Array.from(out);
}

function uint(out: number[], value: number, size: number): void {
  for (let shift = size - 1; shift >= 0; shift--) out.push(Math.floor(value / 256 ** shift) & 255);
}

/** Length by the smallest form that holds it; `small` is the form whose first byte carries it, `tags` the wider ones. */
function head(
  out: number[],
  length: number,
  small: [tag: number, most: number],
  tags: [number?, number?, number?],
): void {
  if (length <= small[1]) return void out.push(small[0] | length);
  const size = tags[0] !== undefined && length < 256 ? 0 : length < 65536 ? 1 : 2;
  out.push(tags[size]!);
  uint(out, length, 1 << size);
}

function append(out: number[], bytes: Uint8Array): void {
  for (const byte of bytes) out.push(byte);
}

function put(out: number[], value: unknown, depth: number): void {
  if (value === null || value === undefined) return void out.push(0xc0);
  if (typeof value === "boolean") return void out.push(value ? 0xc3 : 0xc2);
  if (typeof value === "number") {
    if (Number.isInteger(value) && value >= 0 && value < 2 ** 32) return head(out, value, [0, 127], [0xcc, 0xcd, 0xce]);
    if (Number.isInteger(value) && value < 0 && value >= -32) return void out.push(value & 255);
    out.push(0xcb);
    return append(out, new Uint8Array(new Float64Array([value]).buffer).reverse());
  }
  if (typeof value === "bigint") {
    if (BigInt.asIntN(64, value) !== value) {
      throw new InvalidArgumentError(`Cannot encode ${value}: it has more than 64 bits`);
    }
    out.push(0xd3);
    for (let shift = 56n; shift >= 0n; shift -= 8n) out.push(Number((value >> shift) & 255n));
    return;
  }
  if (typeof value === "string") {
    const bytes = utf8(value);
    head(out, bytes.length, [0xa0, 31], [0xd9, 0xda, 0xdb]);
    return append(out, bytes);
  }
  if (value instanceof Uint8Array) {
    head(out, value.length, [0, -1], [0xc4, 0xc5, 0xc6]);
    return append(out, value);
  }
  if (typeof value !== "object") throw new InvalidArgumentError(`Cannot encode a ${typeof value}`);
  if (depth === 0) throw new InvalidArgumentError("Cannot encode: nested too deep, or in a circle");
  if (Array.isArray(value)) {
    head(out, value.length, [0x90, 15], [undefined, 0xdc, 0xdd]);
    for (const item of value) put(out, item, depth - 1);
    return;
  }
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  head(out, entries.length, [0x80, 15], [undefined, 0xde, 0xdf]);
  for (const [key, item] of entries) {
    put(out, key, depth);
    put(out, item, depth - 1);
  }
}

/**
 * Decodes plain data of a stranger.
 * @throws {InvalidArgumentError} when it is not MessagePack, has extensions, is nested deeper than `depth` or has trailing bytes
 */
export function decodeStructured(bytes: Uint8Array, depth: number = STRUCTURED_DEPTH): unknown {
  scan(bytes, depth);
  try {
    return unpackr.unpack(bytes);
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
