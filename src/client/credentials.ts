// edge: no Deno, Bun, node: or cloudflare: names
/** Credentials by header-like names; several merge by spreading. */
export type Credentials = Record<string, string>;

/** An API key. */
export function withAPIKey(key: string): Credentials {
  return { "x-api-key": key };
}
/** An OAuth or JWT bearer token. */
export function withToken(token: string): Credentials {
  return { authorization: `Bearer ${token}` };
}
/** The token minted for a task. */
export function withTaskToken(token: string): Credentials {
  return { token };
}
/** The tenant to act in. */
export function withTenant(tenantId: string): Credentials {
  return { "x-tenant-id": tenantId };
}
