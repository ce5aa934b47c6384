/**
 * Finds a Node new enough for the library (22.13 or later) though npm itself may run on an older one: this process,
 * `node` on PATH, or a binary kept in .cache/ outside the lock file, since its platform packages are not all published.
 */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "./entries.mjs";

const VERSION = "22.23.3";
const MINIMUM = [22, 13];

function isNewEnough(version) {
  const [major, minor] = version.replace(/^v/, "").split(".").map(Number);
  return major > MINIMUM[0] || (major === MINIMUM[0] && minor >= MINIMUM[1]);
}

function works(file) {
  try {
    const version = execFileSync(file, ["--version"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
    return /^v\d+\./.test(version) && isNewEnough(version);
  } catch {
    return false; // not there, or not for this machine: the next candidate is asked
  }
}

/** Path of a Node of version 22.13 or later; fetches one when there is none. */
export function node22() {
  const isNode = process.release?.name === "node" && !process.versions.bun && !process.versions.deno;
  if (isNode && isNewEnough(process.version)) return process.execPath;
  if (works("node")) return "node";

  const isWindows = process.platform === "win32";
  const name = `node-${isWindows ? "win" : process.platform}-${process.arch}`;
  const prefix = path.join(root, ".cache", "node22");
  const file = path.join(prefix, "node_modules", name, "bin", isWindows ? "node.exe" : "node");
  if (works(file)) return file;

  fs.mkdirSync(prefix, { recursive: true });
  const args = ["install", "--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--prefix", prefix];
  // Its words go to stderr: stdout is the answer of this tool.
  execFileSync("npm", [...args, `${name}@${VERSION}`], { stdio: ["ignore", 2, 2], shell: isWindows });
  if (works(file)) return file;
  throw new Error(`Cannot find Node ${MINIMUM.join(".")} or later: ${name}@${VERSION} was installed but does not run`);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) console.log(node22());
