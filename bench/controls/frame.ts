/** The control's frame: target u16, source u16, kind u8, number u32, payload. The least that the scenarios need. */

/** Target that means every other party. */
export const EVERYBODY = 0xffff;
/** What a frame is. */
export const Kind = { Message: 0, Request: 1, Reply: 2 } as const;
/** Bytes before the payload. */
export const HEAD = 9;

/** Lays out a frame. */
export function frame(
  target: number,
  source: number,
  kind: number,
  number: number,
  payload: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEAD + payload.length);
  bytes[0] = target & 255;
  bytes[1] = target >> 8;
  bytes[2] = source & 255;
  bytes[3] = source >> 8;
  bytes[4] = kind;
  for (let at = 0; at < 4; at++) bytes[5 + at] = number >>> (8 * at);
  bytes.set(payload, HEAD);
  return bytes;
}

/** Whom a frame is for. */
export function targetOf(bytes: Uint8Array): number {
  return bytes[0] | (bytes[1] << 8);
}
/** Whom a frame is from. */
export function sourceOf(bytes: Uint8Array): number {
  return bytes[2] | (bytes[3] << 8);
}
/** A request's number. */
export function numberOf(bytes: Uint8Array): number {
  return (bytes[5] | (bytes[6] << 8) | (bytes[7] << 16) | (bytes[8] << 24)) >>> 0;
}
/** Which party dials, from its URL. */
export function indexOf(url: string): number {
  return Number(new URL(url).searchParams.get("party"));
}
