/**
 * Two things `npm install` writes into a lock file without a word, and other machines suffer from:
 * an optional platform package left out because the registry lacked it (then `npm ci` refuses), and the address of
 * the registry that happened to be asked.
 */
import fs from "node:fs";
import path from "node:path";
import { root } from "./entries.mjs";

const file = process.argv[2] ?? path.join(root, "package-lock.json");
const { packages = {} } = JSON.parse(fs.readFileSync(file, "utf8"));
const complaints = [];
if (Object.keys(packages).length < 2) complaints.push("the lock file lists no packages");

for (const [at, entry] of Object.entries(packages)) {
  if ("resolved" in entry) complaints.push(`${at} names where it was fetched from ("resolved")`);
  if (at !== "" && !entry.integrity && !entry.link && !entry.inBundle) complaints.push(`${at} has no "integrity"`);
  for (const name of Object.keys(entry.optionalDependencies ?? {})) {
    if (!isReachable(at, name)) complaints.push(`${name}, optional dependency of ${at || "the project"}, is missing`);
  }
}

for (const complaint of complaints) console.log(complaint);
console.log(complaints.length === 0 ? `${Object.keys(packages).length} packages, lock is complete` : "lock FAILED");
process.exitCode = complaints.length === 0 ? 0 : 1;

/** Looks in node_modules of `at` and of every folder above it, as a resolver would. */
function isReachable(at, name) {
  for (let folder = at;;) {
    if (`${folder === "" ? "" : folder + "/"}node_modules/${name}` in packages) return true;
    if (folder === "") return false;
    const cut = folder.lastIndexOf("/node_modules/");
    folder = cut < 0 ? "" : folder.slice(0, cut);
  }
}
