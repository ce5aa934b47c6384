/** What a run was made on, and of. */
import { execFileSync } from "node:child_process";
import os from "node:os";
import process from "node:process";
import { ROOT } from "./child.ts";

/** The line about machine, versions and commit in every file of results. */
export function describe(versions: Record<string, string> = {}): Record<string, unknown> {
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: commitOf(),
    cores: os.cpus().length,
    cpu: os.cpus()[0]?.model,
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    architecture: process.arch,
    platform: process.platform,
    load: Number(os.loadavg()[0].toFixed(2)),
    bun: said(["bun", "--version"]),
    deno: said(["deno", "--version"])?.split(" ")[1],
    ...versions,
  };
}

/** Which commit is measured; a tree with changes besides says so. */
export function commitOf(): string {
  const git = (...args: string[]): string =>
    execFileSync("git", args, { cwd: ROOT, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  try {
    const changed = git("status", "--porcelain", "--untracked-files=no", "--", "src", "mod.ts", "bench/*.ts");
    return git("rev-parse", "--short=12", "HEAD") + (changed ? " with changes" : "");
  } catch {
    return "unknown";
  }
}

function said([name, ...args]: string[]): string | undefined {
  try {
    return execFileSync(`${ROOT}node_modules/.bin/${name}`, args, { encoding: "utf8" }).trim().split("\n")[0];
  } catch {
    return undefined;
  }
}
