/** Bundles the tests for Node, which reads no TypeScript imports of ours, and runs them with its own runner. */
import { spawn } from "node:child_process";
import { build } from "esbuild";
import fs from "node:fs";
import path from "node:path";
import { root } from "./entries.mjs";
import { node22 } from "./node22.mjs";

const outdir = path.join(root, "dist", "test");
const dial = path.join(root, "src/runtime/dial_node.ts");
const units = fs.readdirSync(path.join(root, "src"), { recursive: true })
  .filter((file) => file.endsWith("_test.ts"))
  .map((file) => path.join("src", file));

fs.rmSync(outdir, { recursive: true, force: true });
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: [...units, "test/drivers/node.test.ts"],
  outbase: ".",
  outdir,
  bundle: true,
  splitting: true,
  format: "esm",
  target: "es2022",
  platform: "node",
  conditions: ["node"],
  packages: "external",
  // Bundled rather than taken from dist/: a second copy of the error classes would break every `instanceof`.
  ...(fs.existsSync(dial) ? { alias: { "#dial": dial } } : { external: ["#dial"] }),
  sourcemap: "inline",
  metafile: true,
  logLevel: "warning",
});

const files = Object.entries(metafile.outputs).filter(([, output]) => output.entryPoint).map(([file]) => file);
const args = ["--enable-source-maps", "--test", "--test-reporter=tap", ...process.argv.slice(2), ...files];
const child = spawn(node22(), args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code) => process.exitCode = code ?? 1);
