// edge: no Deno, Bun, node: or cloudflare: names
import { InvalidArgumentError } from "../errors.ts";
import { utf8 } from "../base/bytes.ts";
import type { Identity, PrincipalType } from "../protocol/principals.ts";
import type { MaybePromise } from "../store/store.ts";

/** Who wants to connect, and what they show for it. */
export interface Claim {
  /** The identity claimed. */
  readonly identity: Identity;
  /** A user's workspace, when given at connect. */
  readonly workspace?: string;
  /** Credentials by header-like names: `x-api-key`, `authorization`, `token`, `x-tenant-id`. */
  readonly credentials: Readonly<Record<string, string>>;
}

/** Yes, perhaps as an administrator, or no with the reason. */
export type Decision = { readonly allowed: true; readonly isAdmin?: boolean } | {
  readonly allowed: false;
  readonly reason: string;
  readonly code?: "UNAUTHENTICATED" | "PERMISSION_DENIED";
};

/** Decides who may connect: identity and credentials in, decision out. The one place where credentials are looked at. */
export interface Authenticator {
  /** Whether it may serve only this machine, because it lets everybody in. */
  readonly loopbackOnly: boolean;
  /** Decides. A rejection counts as "no". */
  authenticate(claim: Claim): MaybePromise<Decision>;
}

/** Lets everybody in. Serves loopback addresses only, unless told `insecure: true`. */
export function allowAll(options: { insecure?: boolean } = {}): Authenticator {
  return { loopbackOnly: !options.insecure, authenticate: () => ({ allowed: true, isAdmin: true }) };
}

/** One key and what it opens. */
export interface TokenKey {
  /** The secret. */
  key: string;
  /** Principal types it may connect as; all when left out. */
  principalTypes?: readonly PrincipalType[];
  /** Workspaces it may connect to, `*` for all; all when left out. Does not apply to workspace-less principals. */
  workspaces?: readonly string[];
}

/** Options of {@link tokenAuth}. */
export interface TokenAuthOptions {
  /** An admin key accepted from the start, for first set-up and tests. */
  bootstrapKey?: string;
  /** Further keys. */
  keys?: readonly TokenKey[];
}

/**
 * Accepts known keys, given as `withAPIKey(key)` or `withToken(key)`.
 * @throws {InvalidArgumentError} without a single key: that gateway would refuse everybody
 */
export function tokenAuth(options: TokenAuthOptions): Authenticator {
  const keys: TokenKey[] = [...(options.keys ?? [])];
  if (options.bootstrapKey !== undefined) keys.push({ key: options.bootstrapKey });
  if (keys.length === 0) {
    throw new InvalidArgumentError("Cannot authenticate by token without a key: give bootstrapKey or keys", "keys");
  }
  for (const { key } of keys) if (!key) throw new InvalidArgumentError("Cannot use an empty key", "key");
  // Compared as digests: how long a comparison takes says nothing about a key.
  const byDigest = Promise.all(keys.map(async (key) => [await digest(key.key), key] as const)).then((rows) =>
    new Map(rows)
  );
  return {
    loopbackOnly: false,
    async authenticate({ identity, workspace, credentials }) {
      const shown = credentials["x-api-key"] ?? credentials["api_key"] ??
        credentials["authorization"]?.replace(/^Bearer\s+/i, "") ?? credentials["token"];
      if (!shown) return { allowed: false, reason: "no credentials given: use withAPIKey(key) or withToken(token)" };
      const key = (await byDigest).get(await digest(shown));
      if (!key) return { allowed: false, reason: "the key is not known here" };
      if (key.principalTypes && !key.principalTypes.includes(identity.type)) {
        return { allowed: false, code: "PERMISSION_DENIED", reason: `this key may not connect as ${identity.type}` };
      }
      const wanted = "workspace" in identity ? identity.workspace : workspace;
      if (wanted !== undefined && key.workspaces && !key.workspaces.includes("*") && !key.workspaces.includes(wanted)) {
        return { allowed: false, code: "PERMISSION_DENIED", reason: `this key does not open workspace "${wanted}"` };
      }
      return { allowed: true, isAdmin: shown === options.bootstrapKey };
    },
  };
}

async function digest(text: string): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", utf8(text) as Uint8Array<ArrayBuffer>));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
