// edge: no Deno, Bun, node: or cloudflare: names
import type { Task } from "./task.ts";

/** Which live tasks wait for which, and which are parts of which. */
export class Dependencies {
  readonly #find: (id: string) => Task | undefined;
  readonly #dependents = new Map<string, Set<string>>();
  readonly #children = new Map<string, Set<string>>();

  constructor(find: (id: string) => Task | undefined) {
    this.#find = find;
  }

  /** Notes what a task waits for, and of what it is a part. */
  add({ state }: Task): void {
    for (const id of state.dependsOn) put(this.#dependents, id, state.id);
    if (state.parent !== undefined) put(this.#children, state.parent, state.id);
  }

  /** It waits for nothing any more. */
  remove({ state }: Task): void {
    for (const id of state.dependsOn) drop(this.#dependents, id, state.id);
    if (state.parent !== undefined && !this.#find(state.id)) drop(this.#children, state.parent, state.id);
  }

  /** Live tasks that wait for one. */
  dependentsOf(id: string): Task[] {
    return this.#all(this.#dependents.get(id));
  }

  /** Live tasks that are parts of one. */
  childrenOf(id: string): Task[] {
    return this.#all(this.#children.get(id));
  }

  #all(ids: ReadonlySet<string> | undefined): Task[] {
    return [...ids ?? []].map(this.#find).filter((task) => task !== undefined);
  }

  /** Forgets everything. */
  clear(): void {
    this.#dependents.clear();
    this.#children.clear();
  }
}

function put(map: Map<string, Set<string>>, key: string, value: string): void {
  const values = map.get(key);
  if (values) values.add(value);
  else map.set(key, new Set([value]));
}

function drop(map: Map<string, Set<string>>, key: string, value: string): void {
  const values = map.get(key);
  values?.delete(value);
  if (values?.size === 0) map.delete(key);
}
