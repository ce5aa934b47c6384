/** Another state of the project beside this one: a worktree in a folder of its own, with this one's packages and bench. */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { ROOT } from "./child.ts";

/** Such a state. */
export interface Base {
  readonly folder: string;
  readonly commit: string;
}

/**
 * Checks a ref out. The bench of this state measures both: what is compared is `src/`, by the same yardstick. It is removed
 * when this process ends, however it does.
 */
export function checkOut(ref: string): Base {
  const git = (...args: string[]): string =>
    execFileSync("git", args, { cwd: ROOT, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
  const commit = git("rev-parse", "--short=12", "--verify", `${ref}^{commit}`);
  const folder = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "aether-base-")), "tree");
  process.on("exit", () => {
    try {
      git("worktree", "remove", "--force", folder);
    } catch {
      // It was not made, or somebody has removed it: nothing is left to do but the folder around it.
    }
    fs.rmSync(path.dirname(folder), { recursive: true, force: true });
  });
  git("worktree", "add", "--detach", folder, commit);
  const link = (name: string): void => fs.symlinkSync(path.join(ROOT, name), path.join(folder, name));
  fs.rmSync(path.join(folder, "bench"), { recursive: true, force: true });
  fs.cpSync(path.join(ROOT, "bench"), path.join(folder, "bench"), { recursive: true });
  link("node_modules");
  return { folder, commit };
}
