// edge: no Deno, Bun, node: or cloudflare: names
/** Largest checkpoint, in bytes. */
export const CHECKPOINT_BYTES: number = 16 * 1024 * 1024;
/** Bytes of a checkpoint in one call: large enough to be few, small enough for nothing to wait long behind one. */
export const CHECKPOINT_PART_BYTES: number = 512 * 1024;
/** Name of a checkpoint that was given none. */
export const CHECKPOINT_KEY = "default";
