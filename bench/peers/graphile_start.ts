/** A PostgreSQL server for one cell, with the schema of graphile-worker. */
import { type ChildProcess, execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import process from "node:process";
import { line } from "../lib/child.ts";
import { peer, type Presence, present } from "./packages.ts";

const USER = "postgres";

/** Fetches what is missing. */
export function prepare(): Presence {
  try {
    const [file, ...flags] = [...asUser(), "true"];
    execFileSync(file, flags, { stdio: "ignore" });
  } catch {
    return { reason: `PostgreSQL does not run as root, and nothing runs as "${USER}" here` };
  }
  return present("postgres", ["graphile-worker", "pg"], "graphile-worker");
}

/** PostgreSQL refuses to run as root. */
function asUser(): string[] {
  return process.getuid?.() === 0 ? ["setpriv", `--reuid=${USER}`, `--regid=${USER}`, "--clear-groups"] : [];
}

/**
 * Starts it.
 * @param kept whether commits wait for the disk's cache (`on`, as PostgreSQL does by default) or not
 */
export async function startPostgres(
  kept: boolean,
  folder: string,
  port: string,
  launch: (words: string[]) => ChildProcess,
): Promise<{ url: string; pid: number }> {
  const data = path.join(folder, "postgres");
  fs.mkdirSync(data, { mode: 0o777 });
  // The folder around it is this user's alone, and the server is perhaps another one.
  fs.chmodSync(folder, 0o711);
  fs.chmodSync(data, 0o777);
  const bin = path.dirname(fs.realpathSync(execFileSync("which", ["initdb"], { encoding: "utf8" }).trim()));
  const place = path.join(data, "db");
  const init = [path.join(bin, "initdb"), "-D", place, "-U", "bench", "-A", "trust", "-N", "--no-locale", "-E", "UTF8"];
  const [file, ...flags] = [...asUser(), ...init];
  execFileSync(file, flags, { stdio: "ignore" });
  const commit = kept ? "on" : "off";
  const settings = { listen_addresses: "127.0.0.1", port, unix_socket_directories: "", synchronous_commit: commit };
  const said = Object.entries({ ...settings, fsync: commit }).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const server = launch([...asUser(), path.join(bin, "postgres"), "-D", place, ...said]);
  await line(server, "ready to accept connections");
  const url = `postgres://bench@127.0.0.1:${port}/postgres`;
  const { default: { Pool } } = await peer<{ default: { Pool: new (options: unknown) => { end(): Promise<void> } } }>(
    "pg",
  );
  const pool = new Pool({ connectionString: url });
  const { makeWorkerUtils } = await peer<{
    makeWorkerUtils(options: unknown): Promise<{ migrate(): Promise<void>; release(): Promise<void> }>;
  }>("graphile-worker");
  const utils = await makeWorkerUtils({ pgPool: pool });
  await utils.migrate();
  await utils.release();
  await pool.end();
  return { url, pid: server.pid! };
}
