/**
 * What `npm pack` makes, in a folder of its own: test/types/package.ts is compiled against its declarations as strictly
 * as a user may, and run. Ends with "N passed, N failed, N skipped".
 */
import { execFile } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { node22 } from "../tools/node22.mjs";

const root = path.resolve(import.meta.dirname, "..");
const manifest = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8"));
const compiler = path.join(root, "node_modules/typescript/bin/tsc");
const isWindows = process.platform === "win32";
const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "aether-package-")));

async function run(file, ...args) {
  const options = { cwd: folder, timeout: 60_000, maxBuffer: 64 * 1024 * 1024 };
  return await promisify(execFile)(file, args, { ...options, shell: isWindows && file === "npm" });
}

/** As after an install of the tarball: the package, what it depends on, and the types of Node for those who want them. */
async function install() {
  await run("npm", "pack", "--loglevel=error", "--pack-destination", folder, root);
  const tarball = fs.readdirSync(folder).find((name) => name.endsWith(".tgz"));
  await run("tar", "-xzf", tarball);
  const modules = path.join(folder, "node_modules");
  const place = (name) => {
    const at = path.join(modules, name);
    fs.mkdirSync(path.dirname(at), { recursive: true });
    return at;
  };
  fs.renameSync(path.join(folder, "package"), place(manifest.name));
  for (const name of [...Object.keys(manifest.dependencies), "@types/node"]) {
    fs.symlinkSync(path.join(root, "node_modules", name), place(name), "junction");
  }
  fs.writeFileSync(path.join(folder, "package.json"), JSON.stringify({ type: "module", private: true }));
  fs.copyFileSync(path.join(root, "test/types/package.ts"), path.join(folder, "program.ts"));
}

async function compile(...options) {
  const args = ["--strict", "--skipLibCheck", "false", "--target", "es2022", "--pretty", "false", ...options];
  await run(process.execPath, compiler, ...args, "program.ts");
}

async function works(file, ...args) {
  const { stdout } = await run(file, ...args);
  if (!stdout.includes("the package works")) throw new Error(`it said ${JSON.stringify(stdout)}`);
}

const nodenext = ["--module", "nodenext"];
const bundler = ["--module", "esnext", "--moduleResolution", "bundler"];
const tool = (name) => path.join(root, "node_modules/.bin", isWindows ? `${name}.cmd` : name);
// In this order: what runs on Node is what the second one has compiled.
const cases = {
  "it is packed": install,
  "its types hold by nodenext, with the lib of es2022": () => compile(...nodenext, "--types", ""),
  "its types hold by bundler": () => compile("--noEmit", ...bundler, "--types", ""),
  "its types hold with those of Node, without those of browsers": () =>
    compile("--noEmit", ...nodenext, "--lib", "es2022", "--types", "node"),
  "its types hold under the finer rules of the compiler": () =>
    compile(
      ...["--noEmit", ...bundler, "--types", "", "--isolatedModules", "--verbatimModuleSyntax"],
      ...["--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess", "--noPropertyAccessFromIndexSignature"],
    ),
  "it runs on Node": () => works(node22(), "program.js"),
  "it runs on Bun, from its sources": () => works(tool("bun"), "run", "program.ts"),
  "it runs on Deno, types checked": () => works(tool("deno"), "run", "-A", "--check", "--no-remote", "program.ts"),
};

let passed = 0;
let failed = 0;
try {
  for (const [name, test] of Object.entries(cases)) {
    try {
      await test();
      passed++;
      console.log(`passed  ${name}`);
    } catch (error) {
      failed++;
      console.log(`failed  ${name}\n${error.message}\n${error.stdout ?? ""}${error.stderr ?? ""}`);
      if (test === install) break; // there is nothing to look at
    }
  }
} finally {
  fs.rmSync(folder, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed, 0 skipped`);
process.exitCode = failed === 0 ? 0 : 1;
