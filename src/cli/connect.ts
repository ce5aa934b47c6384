// What a command shows to be let in: flags first, then the environment.
import { type Credentials, withAPIKey, withTenant, withToken } from "../client/credentials.ts";
import { AuthenticationError, InvalidArgumentError, PermissionDeniedError } from "../errors.ts";
import { readEnv } from "./env.ts";

const ADDRESS = "ws://127.0.0.1:8787";

/** Where the gateway is. */
export function addressOf(said: string | undefined): string {
  return said ?? readEnv("AETHER_URL") ?? ADDRESS;
}

/** What is shown to it. */
export function credentialsOf(said: { token?: string; apiKey?: string; tenant?: string }): Credentials | undefined {
  const token = said.token ?? (said.apiKey ? undefined : readEnv("AETHER_TOKEN"));
  const apiKey = said.apiKey ?? (said.token ? undefined : readEnv("AETHER_API_KEY"));
  const tenant = said.tenant ?? readEnv("AETHER_TENANT");
  const credentials = {
    ...(token && withToken(token)),
    ...(apiKey && withAPIKey(apiKey)),
    ...(tenant && withTenant(tenant)),
  };
  return Object.keys(credentials).length > 0 ? credentials : undefined;
}

/** The code a command ends with when this was thrown. */
export function exitCode(error: unknown): number {
  if (error instanceof AuthenticationError || error instanceof PermissionDeniedError) return 3;
  return error instanceof InvalidArgumentError && error.argument !== undefined ? 2 : 1;
}
