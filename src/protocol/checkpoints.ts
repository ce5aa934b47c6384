// edge: no Deno, Bun, node: or cloudflare: names
/** Name of a checkpoint that was given none. */
export const CHECKPOINT_KEY = "default";
