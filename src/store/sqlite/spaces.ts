// edge: no Deno, Bun, node: or cloudflare: names
import { Batch } from "./batch.ts";
import type { SqlStatement } from "./driver.ts";
import { Generations } from "./generations.ts";
import { NAME, type Names, wellFormed } from "./names.ts";
import type { Sizes } from "./sizes.ts";
import type { Turn } from "./turn.ts";

/** What is known of a space without looking at its keys. */
export interface Space {
  readonly id: number;
  /** Keys that hold something. */
  live: number;
  /** Revision up to which removals are forgotten. */
  forgotten: number;
}

/** The spaces in use. */
export class Spaces {
  readonly #names: Names;
  readonly #cache: Generations<Space>;
  readonly #dirty = new Set<Space>();
  readonly #rows: Batch;
  readonly #read: Pick<SqlStatement, "all">;

  constructor(turn: Turn, names: Names, sizes: Sizes) {
    this.#cache = new Generations(sizes.cached);
    this.#names = names;
    this.#rows = new Batch(turn, "INSERT OR REPLACE INTO spaces (id, live, forgotten)", 3);
    this.#read = turn.reader("SELECT live, forgotten FROM spaces WHERE id = ?");
  }

  find(name: string): Space | undefined {
    const space = this.#cache.get(name);
    if (space) return space;
    const known = wellFormed(name);
    if (known !== name) return this.find(known);
    const id = this.#names.find(NAME.space, name);
    if (id === undefined) return undefined;
    const [row] = this.#read.all<{ live: number; forgotten: number }>(id);
    const found: Space = { id, live: row?.live ?? 0, forgotten: row?.forgotten ?? 0 };
    this.#cache.set(name, found);
    return found;
  }

  make(name: string): Space {
    const known = wellFormed(name);
    const space = { id: this.#names.add(NAME.space, known), live: 0, forgotten: 0 };
    this.#cache.set(known, space);
    return space;
  }

  grow(space: Space, by: number): void {
    space.live += by;
    this.#dirty.add(space);
  }

  forget(space: Space, revision: number): void {
    space.forgotten = Math.max(space.forgotten, revision);
    this.#dirty.add(space);
  }

  save(): void {
    for (const { id, live, forgotten } of this.#dirty) this.#rows.add(id, live, forgotten);
    this.#rows.end();
    this.#dirty.clear();
  }

  saved(): void {
    this.#cache.rotate();
  }

  drop(): void {
    this.#cache.clear();
    this.#dirty.clear();
    this.#rows.drop();
  }
}
