// edge: no Deno, Bun, node: or cloudflare: names
const encoder = new TextEncoder();
// A byte order mark is a character like any other: two names that differ in it are two.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** An empty byte array, shared: nothing can be written to it. */
export const NO_BYTES: Uint8Array = new Uint8Array(0);

/** UTF-8 bytes of a text. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Text of UTF-8 bytes; invalid sequences become U+FFFD. */
export function fromUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** Text of a run of bytes. Up to 16 plain ones a loop is at least as fast as TextDecoder on every runtime; beyond, that takes over. */
export function textAt(bytes: Uint8Array, start: number, end: number): string {
  if (end - start > 16) return decoder.decode(bytes.subarray(start, end));
  let text = "";
  for (let at = start; at < end; at++) {
    const byte = bytes[at];
    if (byte > 127) return decoder.decode(bytes.subarray(start, end));
    text += String.fromCharCode(byte);
  }
  return text;
}

/** Whether two byte arrays hold the same. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

/** URL-safe base64 without padding (RFC 4648, section 5). */
export function base64url(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Bytes of URL-safe base64; throws a DOMException when the text is not base64. */
export function fromBase64url(text: string): Uint8Array {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (char) => char.charCodeAt(0));
}

/** Byte arrays one after the other, as one. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let size = 0;
  for (const part of parts) size += part.length;
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
