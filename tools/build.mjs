/** Builds dist/: one file per entry of package.json, code shared between them in dist/chunks/, declarations of all. */
import { build } from "esbuild";
import fs from "node:fs";
import path from "node:path";
import { writeDeclarations } from "./declarations.mjs";
import { builtSources, readJson, root, targetsOf } from "./entries.mjs";

const entryPoints = builtSources().filter((source) => {
  const exists = fs.existsSync(path.join(root, source));
  if (!exists) console.log(`skipped ${source}: no such file yet`);
  return exists;
});

const declarations = writeDeclarations();
declarations.catch(() => {}); // heard below, when the code is there
const outputs = new Set();
if (entryPoints.length > 0) {
  const result = await build({
    absWorkingDir: root,
    entryPoints,
    outbase: ".",
    outdir: "dist",
    chunkNames: "chunks/[name]-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    target: "es2022",
    platform: "neutral",
    // These stay specifiers, so that whoever runs dist/ picks them by its own conditions.
    packages: "external",
    external: ["#dial", "#pool", "node:*", "bun:*", "cloudflare:*"],
    metafile: true,
    logLevel: "warning",
  });
  for (const file of Object.keys(result.metafile.outputs)) outputs.add(path.join(root, file));
}

for (const target of targetsOf(readJson("package.json").bin)) {
  const file = path.join(root, target);
  if (!outputs.has(file)) continue;
  const text = fs.readFileSync(file, "utf8").replace(/^#!.*\n/, "");
  fs.writeFileSync(file, `#!/usr/bin/env node\n${text}`);
  fs.chmodSync(file, 0o755);
}

for (const file of await declarations) outputs.add(file);

// Leftovers go last: a process that reads dist/ meanwhile never meets an empty folder.
for (const name of ["mod.js", "mod.d.ts", "src", "chunks"]) removeStale(path.join(root, "dist", name));
console.log(`built ${entryPoints.length} entries of ${builtSources().length}`);

function removeStale(at) {
  const stat = fs.statSync(at, { throwIfNoEntry: false });
  if (stat?.isDirectory()) {
    for (const name of fs.readdirSync(at)) removeStale(path.join(at, name));
    if (fs.readdirSync(at).length === 0) fs.rmdirSync(at);
  } else if (stat && !outputs.has(at)) fs.rmSync(at);
}
