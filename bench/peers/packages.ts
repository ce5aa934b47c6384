/** Peers' TypeScript clients: fetched for the bench, outside the lock file, and no dependencies. */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";

/** Whether a peer is here: which version, or why not. */
export type Presence = { readonly version: string } | { readonly reason: string };

/** Where they are. */
export const MODULES: URL = new URL("../../.cache/peers/node_modules/", import.meta.url);

/**
 * Fetches what is missing of a peer whose server is a program on PATH.
 * @param server empty for one that runs on what is here anyway
 * @param tells the package whose version is the peer's, where it is not the server's
 */
export function present(server: string, packages: readonly string[], tells?: string): Presence {
  let version = "";
  try {
    if (server) version = execFileSync(server, ["--version"], { encoding: "utf8" }).trim().replace(/ sha=.*$/, "");
  } catch {
    return { reason: `no ${server} on PATH` };
  }
  const said = (): Presence => {
    if (!tells) return { version };
    const own = JSON.parse(fs.readFileSync(new URL(`${tells}/package.json`, MODULES), "utf8")) as { version: string };
    return { version: `${own.version}${version && ` on ${version}`}` };
  };
  if (packages.every((name) => fs.existsSync(new URL(`${name}/`, MODULES)))) return said();
  fs.mkdirSync(MODULES, { recursive: true });
  const flags = ["--no-save", "--no-package-lock", "--ignore-scripts", "--prefix", ".cache/peers"];
  // What is there already and not named would be removed.
  const there = fs.readdirSync(MODULES, { recursive: true, encoding: "utf8" })
    .filter((name) => /^(@[^/]+\/)?[^@./][^/]*$/.test(name) && fs.existsSync(new URL(`${name}/package.json`, MODULES)));
  try {
    const cwd = new URL("../../", import.meta.url);
    execFileSync("npm", ["install", ...flags, ...new Set([...there, ...packages])], {
      cwd,
      stdio: "ignore",
      timeout: 60_000,
    });
    return said();
  } catch {
    return { reason: "its TypeScript client could not be installed" };
  }
}

/** Loads one of them. */
export async function peer<T>(name: string): Promise<T> {
  const home = new URL(`${name}/`, MODULES);
  const { main, exports } = JSON.parse(fs.readFileSync(new URL("package.json", home), "utf8")) as {
    main?: string;
    exports?: Record<string, string>;
  };
  return await import(new URL(main ?? exports!["."], home).href) as T;
}

/** Loads one of them that is CommonJS. */
export function peerOf<T>(name: string): T {
  return createRequire(MODULES)(name) as T;
}
