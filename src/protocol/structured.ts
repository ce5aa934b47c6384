// edge: no Deno, Bun, node: or cloudflare: names
import { InvalidArgumentError } from "../errors.ts";
import { textAt, utf8 } from "../base/bytes.ts";
import { STRUCTURED_DEPTH } from "./limits.ts";

/** Texts below this length are written character by character, if they are plain. */
const PLAIN = 128;

/**
 * MessagePack for structured bodies: null, booleans, numbers, bigints of 64 bits, texts, bytes, moments (its timestamp
 * extension), arrays and objects; no other extensions, no circles, a bound on depth. By hand, because both ends need exactly this subset: a decoder that can be
 * told to refuse the rest while it reads is a quarter of msgpackr's size in a client's bundle, and needs no pass before it.
 * test/ compares it with msgpackr, value by value.
 */
class Encoder {
  #bytes = new Uint8Array(1024);
  #at = 0;

  /** Encodes one value; what comes out is overwritten by the next. */
  encode(value: unknown, depth: number): Uint8Array {
    this.#at = 0;
    this.#put(value, depth);
    const out = this.#bytes.subarray(0, this.#at);
    // One large body must not pin its size for good.
    if (this.#bytes.length > 64 * 1024) this.#resize(1024);
    return out;
  }

  #resize(size: number): void {
    const grown = new Uint8Array(size);
    if (size > this.#bytes.length) grown.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = grown;
  }

  /** Makes room and returns where it begins. */
  #open(size: number): number {
    const at = this.#at;
    this.#at = at + size;
    if (this.#at > this.#bytes.length) {
      this.#at = at;
      this.#resize(Math.max(at + size, this.#bytes.length * 2));
      this.#at = at + size;
    }
    return at;
  }

  /** A length in the smallest form: in the first byte up to `most`, else behind one of three tags; 0 for a form that is not there. */
  #head(value: number, small: number, most: number, tag1: number, tag2: number): void {
    if (value <= most) return this.#byte(small | value);
    const size = tag1 && value < 256 ? 1 : value < 65536 ? 2 : 4;
    this.#byte(size === 1 ? tag1 : tag2 + (size >> 2));
    this.#uint(size, value);
  }

  /** So many low bytes of a whole number. */
  #uint(size: number, value: number): void {
    const at = this.#open(size);
    for (let index = size - 1; index >= 0; index--, value >>>= 8) this.#bytes[at + index] = value;
  }

  /** Eight bytes as the platform has laid them. */
  #wide(tag: number): void {
    const at = this.#open(9);
    this.#bytes[at] = tag;
    this.#bytes.set(eight!, at + 1);
  }

  #text(text: string): void {
    const { length } = text;
    if (length < PLAIN) {
      // Short and plain, as keys and headers are: no call of the platform's encoder.
      const before = this.#at;
      this.#head(length, 0xa0, 31, 0xd9, 0xda);
      const at = this.#open(length);
      const bytes = this.#bytes;
      let codes = 0;
      for (let index = 0; index < length; index++) {
        const code = text.charCodeAt(index);
        codes |= code;
        bytes[at + index] = code;
      }
      if (codes < 128) return;
      this.#at = before;
    }
    const bytes = utf8(text);
    this.#head(bytes.length, 0xa0, 31, 0xd9, 0xda);
    this.#raw(bytes);
  }

  #raw(bytes: Uint8Array): void {
    const at = this.#open(bytes.length);
    this.#bytes.set(bytes, at);
  }

  #put(value: unknown, depth: number): void {
    switch (typeof value) {
      case "string":
        return this.#text(value);
      case "undefined":
        return this.#byte(0xc0);
      case "boolean":
        return this.#byte(value ? 0xc3 : 0xc2);
      case "number":
        // As 32 bits it is the same, and no -0: a whole number of the short forms.
        if ((value | 0) === value && value >= -32 && value <= 127 && (value !== 0 || 1 / value > 0)) {
          return this.#byte(value & 255);
        }
        if (value > 0 && value < 2 ** 32 && Number.isInteger(value)) return this.#head(value, 0, 127, 0xcc, 0xcd);
        wide().setFloat64(0, value);
        return this.#wide(0xcb);
      case "bigint": {
        if (BigInt.asIntN(64, value) !== value) {
          throw new InvalidArgumentError(`Cannot encode ${value}: it has more than 64 bits`);
        }
        wide().setBigInt64(0, value);
        return this.#wide(0xd3);
      }
      case "object":
        return value === null ? this.#byte(0xc0) : this.#object(value, depth);
      default:
        throw new InvalidArgumentError(`Cannot encode a ${typeof value}`);
    }
  }

  #byte(byte: number): void {
    const at = this.#open(1);
    this.#bytes[at] = byte;
  }

  #object(value: object, depth: number): void {
    if (value instanceof Uint8Array) {
      this.#head(value.length, 0, -1, 0xc4, 0xc5);
      return this.#raw(value);
    }
    if (value instanceof Date) return this.#date(+value);
    if (depth === 0) throw new InvalidArgumentError("Cannot encode: nested too deep, or in a circle");
    if (Array.isArray(value)) {
      this.#head(value.length, 0x90, 15, 0, 0xdc);
      for (let index = 0; index < value.length; index++) this.#put(value[index], depth - 1);
      return;
    }
    const entries = value as Record<string, unknown>;
    const keys = Object.keys(entries);
    let count = 0;
    for (const key of keys) if (entries[key] !== undefined) count++;
    this.#head(count, 0x80, 15, 0, 0xde);
    for (const key of keys) {
      const item = entries[key];
      if (item === undefined) continue;
      this.#text(key);
      this.#put(item, depth - 1);
    }
  }

  #date(ms: number): void {
    const seconds = Math.floor(ms / 1000);
    if (seconds !== seconds) throw new InvalidArgumentError("Cannot encode an invalid Date");
    this.#raw(Uint8Array.of(0xc7, 12, 0xff));
    this.#uint(4, (ms - seconds * 1000) * 1e6);
    this.#uint(4, Math.floor(seconds / 2 ** 32));
    this.#uint(4, seconds);
  }
}

let encoder: Encoder | undefined;
/** Wide numbers are read and written through this; one for all, because neither ever yields. */
let eight: Uint8Array | undefined;
let view: DataView | undefined;

function wide(): DataView {
  return view ??= new DataView((eight = new Uint8Array(8)).buffer);
}

/**
 * Encodes plain data into a buffer of its own: isolates are handed theirs for good.
 * @throws {InvalidArgumentError} for anything else, or when it is nested deeper than `depth`
 */
export function encodeStructured(value: unknown, depth?: number): Uint8Array {
  return encodeBriefly(value, depth).slice();
}

/** The same for who copies it at once: the next encoding takes its place. */
export function encodeBriefly(value: unknown, depth: number = STRUCTURED_DEPTH): Uint8Array {
  encoder ??= new Encoder();
  return encoder.encode(value, depth);
}

/** Short texts seen last, by a hash of their bytes: bodies repeat their keys and most of their words, and a hit makes no text. */
const TEXTS = 256;
const SHORT = 31;
let texts: (string | undefined)[] | undefined;

class Decoder {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  decode(depth: number): unknown {
    const value = this.#value(depth);
    if (this.#at !== this.#bytes.length) fault("bytes follow its end");
    return value;
  }

  /** Steps over some bytes and returns where they begin. */
  #take(size: number): number {
    const at = this.#at;
    if (at + size > this.#bytes.length) fault("it ends too early");
    this.#at = at + size;
    return at;
  }

  #uint(size: number): number {
    let value = 0;
    for (let at = this.#take(size); at < this.#at; at++) value = value * 256 + this.#bytes[at];
    return value;
  }

  /** Eight bytes (or four) as the platform reads them. */
  #read(size: 4 | 8): DataView {
    const read = wide();
    const at = this.#take(size);
    for (let index = 0; index < size; index++) eight![index] = this.#bytes[at + index];
    return read;
  }

  #text(length: number): string {
    const at = this.#take(length);
    const bytes = this.#bytes;
    if (length > SHORT) return textAt(bytes, at, at + length);
    let hash = length;
    for (let index = at; index < at + length; index++) hash = (hash * 31 + bytes[index]) & (TEXTS - 1);
    texts ??= new Array(TEXTS);
    const known = texts[hash];
    if (known?.length === length) {
      let index = 0;
      while (index < length && known.charCodeAt(index) === bytes[at + index]) index++;
      if (index === length) return known;
    }
    return (texts[hash] = textAt(bytes, at, at + length));
  }

  #key(): string {
    const tag = this.#bytes[this.#at];
    if ((tag & 0xe0) === 0xa0) {
      this.#at++;
      return this.#text(tag & 31);
    }
    const key = this.#value(0);
    return typeof key === "string" ? key : fault("a key that is no text");
  }

  #array(length: number, depth: number): unknown[] {
    if (depth === 0) fault("nested too deep");
    // An item has at least a byte: a length that cannot be is refused before room is made for it.
    if (length > this.#bytes.length - this.#at) fault("it ends too early");
    const items: unknown[] = [];
    for (let left = length; left > 0; left--) items.push(this.#value(depth - 1));
    return items;
  }

  #map(length: number, depth: number): Record<string, unknown> {
    if (depth === 0) fault("nested too deep");
    if (length * 2 > this.#bytes.length - this.#at) fault("it ends too early");
    const map: Record<string, unknown> = {};
    for (let left = length; left > 0; left--) {
      const key = this.#key();
      const value = this.#value(depth - 1);
      // A plain assignment of this name would change what the object is.
      if (key === "__proto__") Object.defineProperty(map, key, { value, enumerable: true });
      else map[key] = value;
    }
    return map;
  }

  /** A moment, in one of the three forms of the timestamp extension. */
  #date(length: number): Date {
    if (this.#uint(1) !== 0xff || ![4, 8, 12].includes(length)) fault("an extension that is no timestamp");
    // Seconds alone; nanoseconds and the highest bits of the seconds; or nanoseconds alone.
    const first = this.#uint(4);
    if (length === 4) return new Date(first * 1000);
    const isShort = length === 8;
    const high = isShort ? first & 3 : this.#uint(4) | 0;
    const nanos = isShort ? first >>> 2 : first;
    return new Date((high * 2 ** 32 + this.#uint(4)) * 1000 + nanos / 1e6);
  }

  #value(depth: number): unknown {
    const tag = this.#bytes[this.#take(1)];
    if (tag <= 0x7f) return tag;
    if (tag <= 0x8f) return this.#map(tag & 15, depth);
    if (tag <= 0x9f) return this.#array(tag & 15, depth);
    if (tag <= 0xbf) return this.#text(tag & 31);
    if (tag >= 0xe0) return tag - 256;
    const size = 1 << (tag & 3);
    switch (tag) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
      case 0xc5:
      case 0xc6: {
        const length = this.#uint(size);
        const at = this.#take(length);
        return this.#bytes.subarray(at, at + length);
      }
      case 0xc7:
        return this.#date(this.#uint(1));
      case 0xd6:
        return this.#date(4);
      case 0xd7:
        return this.#date(8);
      case 0xca:
        return this.#read(4).getFloat32(0);
      case 0xcb:
        return this.#read(8).getFloat64(0);
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.#uint(size);
      case 0xcf:
        return narrow(this.#read(8).getBigUint64(0));
      case 0xd0:
        return (this.#uint(1) << 24) >> 24;
      case 0xd1:
        return (this.#uint(2) << 16) >> 16;
      case 0xd2:
        return this.#uint(4) | 0;
      case 0xd3:
        return narrow(this.#read(8).getBigInt64(0));
      case 0xd9:
        return this.#text(this.#uint(1));
      case 0xda:
        return this.#text(this.#uint(2));
      case 0xdb:
        return this.#text(this.#uint(4));
      case 0xdc:
        return this.#array(this.#uint(2), depth);
      case 0xdd:
        return this.#array(this.#uint(4), depth);
      case 0xde:
        return this.#map(this.#uint(2), depth);
      case 0xdf:
        return this.#map(this.#uint(4), depth);
      default:
        return fault(`type 0x${tag.toString(16)} is not allowed`);
    }
  }
}

/** A number where it is exact. */
function narrow(value: bigint): number | bigint {
  const plain = Number(value);
  return Number.isSafeInteger(plain) ? plain : value;
}

function fault(what: string): never {
  throw new InvalidArgumentError(`Cannot decode a structured body: ${what}`);
}

/**
 * Decodes plain data of a stranger. Integers beyond 2^53 come as bigint; bytes are views into what was given.
 * @throws {InvalidArgumentError} when it is not MessagePack, has extensions other than moments, is nested deeper than `depth` or has trailing bytes
 */
export function decodeStructured(bytes: Uint8Array, depth: number = STRUCTURED_DEPTH): unknown {
  return new Decoder(bytes).decode(depth);
}
