// edge: no Deno, Bun, node: or cloudflare: names

/** What makes the body of an answer. */
export interface Streaming {
  /** Called when the body is over, before its reader hears of it. */
  onOver?: () => void;
  /**
   * Set by who reads it and holds each piece in a way of its own, also when what the piece lies in is gone: the memory of one may
   * be let go when the next is asked for.
   */
  isHeld?: boolean;
  /** What the body is read from. */
  readonly stream?: ReadableStream<Uint8Array>;
}

const streams = new WeakMap<Response, Streaming>();

/** Says of an answer that its body comes piece by piece behind it, which may take as long as it takes. */
export function markStreamed(response: Response, by: Streaming): void {
  streams.set(response, by);
}

/** Says of an answer that its pieces are held by who reads it; see {@link Streaming.isHeld}. Of one that was cloned there is another reader. */
export function markHeld(response: Response): void {
  const by = streams.get(response);
  if (by && by.stream === response.body) by.isHeld = true;
}

/** Runs a function when the body of an answer is over that comes piece by piece; false when the answer is whole. */
export function whenOver(response: Response, run: () => void): boolean {
  const by = streams.get(response);
  if (by) by.onOver = run;
  return by !== undefined;
}
