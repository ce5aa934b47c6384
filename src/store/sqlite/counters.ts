// edge: no Deno, Bun, node: or cloudflare: names
import type { SqlStatement } from "./driver.ts";
import type { Part, Turn } from "./turn.ts";

/** Single numbers that must outlive the process. */
export type CounterName = "revision" | "settled" | "idFloor" | "idNext" | "producerFloor";

/** Keeps them. */
export class Counters implements Part {
  readonly #read: Pick<SqlStatement, "all">;
  readonly #write: SqlStatement;
  #values: Map<string, number> | undefined;
  readonly #dirty = new Set<CounterName>();

  constructor(turn: Turn) {
    this.#read = turn.reader("SELECT name, value FROM counters");
    this.#write = turn.writer("INSERT OR REPLACE INTO counters (name, value) VALUES (?, ?)");
  }

  #all(): Map<string, number> {
    return this.#values ??= new Map(
      this.#read.all<{ name: string; value: number }>().map(({ name, value }) => [name, value]),
    );
  }

  /** 0 for one that was never set. */
  get(name: CounterName): number {
    return this.#all().get(name) ?? 0;
  }

  set(name: CounterName, value: number): void {
    this.#all().set(name, value);
    this.#dirty.add(name);
  }

  save(): void {
    for (const name of this.#dirty) this.#write.run(name, this.#values!.get(name)!);
    this.#dirty.clear();
  }

  saved(): void {}

  drop(): void {
    this.#values = undefined;
    this.#dirty.clear();
  }
}
