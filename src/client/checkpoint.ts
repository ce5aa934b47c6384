// edge: no Deno, Bun, node: or cloudflare: names
import { shortId, systemRandom } from "../base/ids.ts";
import type { Link } from "../session/link.ts";
import type { CheckpointOptions, CheckpointResponse, CheckpointSaveOptions } from "./checkpoint_types.ts";
import { withVerbs } from "./loading.ts";

/**
 * Large states of this identity, which find it again after a restart. A save takes the place of the former one as a whole.
 * @example
 * ```ts
 * import { testFabric } from "@aether-edge/sdk/testing";
 * await using fabric = await testFabric();
 * const checkpoint = fabric.agent().checkpoint();
 * await checkpoint.save({ data: new TextEncoder().encode("step 5"), ttl: 3600 });
 * const { found, data } = await checkpoint.load();
 * if (!found || new TextDecoder().decode(data) !== "step 5") throw new Error("never");
 * ```
 */
export class CheckpointClient {
  readonly #link: Link;

  /** Made by `client.checkpoint()`. */
  constructor(link: Link) {
    this.#link = link;
  }

  /** Saves. @throws {ConflictError} when `ifRevision` is not its revision any more */
  save(options: CheckpointSaveOptions): Promise<CheckpointResponse> {
    // The upload's name is drawn here, where chance is loaded anyway.
    return withVerbs(
      this.#link,
      (verbs, given) => verbs.checkpointSave(this.#link, given, shortId(systemRandom)),
      options,
    );
  }

  /** Loads. Nothing saved is `found: false`. */
  load(options: CheckpointOptions = {}): Promise<CheckpointResponse> {
    return withVerbs(this.#link, (verbs) => verbs.checkpointLoad(this.#link, options));
  }

  /** Removes. `found` says whether there was one. */
  delete(options: CheckpointOptions = {}): Promise<CheckpointResponse> {
    return withVerbs(this.#link, (verbs) => verbs.checkpointDelete(this.#link, options));
  }

  /** Names all of them. */
  list(options: CheckpointOptions = {}): Promise<CheckpointResponse> {
    return withVerbs(this.#link, (verbs) => verbs.checkpointList(this.#link, options));
  }

  /** Same as {@link CheckpointClient.save}. */
  saveSync(options: CheckpointSaveOptions): Promise<CheckpointResponse> {
    return this.save(options);
  }
  /** Same as {@link CheckpointClient.load}. */
  loadSync(options: CheckpointOptions = {}): Promise<CheckpointResponse> {
    return this.load(options);
  }
  /** Same as {@link CheckpointClient.delete}. */
  deleteSync(options: CheckpointOptions = {}): Promise<CheckpointResponse> {
    return this.delete(options);
  }
  /** Same as {@link CheckpointClient.list}. */
  listSync(options: CheckpointOptions = {}): Promise<CheckpointResponse> {
    return this.list(options);
  }
}
