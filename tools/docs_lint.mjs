/** `deno doc --lint` over every entry the registry shows. Types of a package need no documentation of ours. */
import { spawnSync } from "node:child_process";
import { readJson, root, targetsOf } from "./entries.mjs";

const entries = targetsOf(readJson("deno.json").exports);
const result = spawnSync("deno", ["doc", "--lint", ...entries], {
  cwd: root,
  encoding: "utf8",
  env: { ...process.env, NO_COLOR: "1" },
  maxBuffer: 64 * 1024 * 1024,
});
if (result.error) throw result.error;
const complaints = result.stderr.split(/^(?=error(?:\[|:))/m);
const ours = complaints.filter((text) => /^error\[/.test(text) && !isPackages(text));
process.stdout.write(result.stdout);
process.stderr.write(ours.join(""));
const isOther = result.status !== 0 && !complaints.some((text) => /^error\[/.test(text));
if (isOther) process.stderr.write(result.stderr);
process.exitCode = ours.length > 0 || isOther ? 1 : 0;

/** A public type of ours that mentions one of hono, which is public there: the linter looks for it among ours. */
function isPackages(text) {
  const name = /references private type '(\w+)'/.exec(text)?.[1];
  return name !== undefined && ["Context", "MiddlewareHandler"].includes(name) && text.includes("/src/proxy/hono.ts");
}
