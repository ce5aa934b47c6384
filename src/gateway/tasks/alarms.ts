// edge: no Deno, Bun, node: or cloudflare: names
import { MinHeap } from "../../store/heap.ts";

interface Alarm {
  readonly at: number;
  readonly run: () => void;
}

/** Things to do at their moment, the soonest first. An alarm that is not wanted any more finds so itself. */
export class Alarms {
  #alarms = new MinHeap<Alarm>(({ at }) => at);

  /** When the next is due; Infinity for never. */
  get nextAt(): number {
    return this.#alarms.first?.at ?? Infinity;
  }

  /** Sets one. */
  set(at: number, run: () => void): void {
    this.#alarms.push({ at, run });
  }

  /** Runs at most `limit` that are due, in the order of their moments. */
  run(now: number, limit: number): void {
    for (let count = 0; count < limit && this.nextAt <= now; count++) this.#alarms.pop()!.run();
  }

  /** Forgets all. */
  clear(): void {
    this.#alarms = new MinHeap(({ at }) => at);
  }
}
