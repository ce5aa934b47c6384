// edge: no Deno, Bun, node: or cloudflare: names

/** What makes the body of an answer. */
export interface Streaming {
  /** Called when the body is over, before its reader hears of it. */
  onOver?: () => void;
}

const streams = new WeakMap<Response, Streaming>();

/** Says of an answer that its body comes piece by piece behind it, which may take as long as it takes. */
export function markStreamed(response: Response, by: Streaming): void {
  streams.set(response, by);
}

/** Runs a function when the body of an answer is over that comes piece by piece; false when the answer is whole. */
export function whenOver(response: Response, run: () => void): boolean {
  const by = streams.get(response);
  if (by) by.onOver = run;
  return by !== undefined;
}
