/** `deno doc --lint` over every entry the registry shows. */
import { spawnSync } from "node:child_process";
import { readJson, root, targetsOf } from "./entries.mjs";

const entries = targetsOf(readJson("deno.json").exports);
const result = spawnSync("deno", ["doc", "--lint", ...entries], { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
if (result.error) throw result.error;
process.exitCode = result.status ?? 1;
