// edge: no Deno, Bun, node: or cloudflare: names
/** Version of this package; a policy test holds it equal to the manifests. */
export const VERSION = "0.1.0";
