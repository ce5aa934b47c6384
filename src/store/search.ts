// edge: no Deno, Bun, node: or cloudflare: names

/** Index of the first item that is on the far side, in an order where all after it are too; the length when none is. */
export function firstAt<T>(
  items: { readonly length: number; at(index: number): T | undefined },
  isFar: (item: T) => boolean,
): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isFar(items.at(middle)!)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Order of code points, which is that of UTF-8 bytes; JavaScript's own order puts U+E000–U+FFFF after the astral ones. */
export function byCodePoint(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    let x = a.charCodeAt(at);
    let y = b.charCodeAt(at);
    if (x === y) continue;
    if (x >= 0xd800 && y >= 0xd800) {
      x = x >= 0xe000 ? x - 0x800 : x + 0x2000;
      y = y >= 0xe000 ? y - 0x800 : y + 0x2000;
    }
    return x - y;
  }
  return a.length - b.length;
}
