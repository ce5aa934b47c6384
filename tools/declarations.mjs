/** Writes the .d.ts beside every built file, for those who install from npm and run on Node or bundle. */
import { execFile } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { builtSources, root } from "./entries.mjs";

const OPTIONS = [
  ..."--target es2022 --lib es2024,dom,dom.iterable,dom.asynciterable --types node".split(" "),
  // By the condition "bun" our own import names lead to sources, not to dist/, which may not be there yet.
  ..."--module nodenext --customConditions bun --rewriteRelativeImportExtensions".split(" "),
  // `deno check` is what asks for no implicit any; here it would only ask for the types of `ws`, which show nowhere.
  ..."--strict --noImplicitAny false --skipLibCheck".split(" "),
  ..."--declaration --emitDeclarationOnly --rootDir . --outDir dist --listEmittedFiles --pretty false".split(" "),
];

// Relative specifiers in code; the compiler rewrites them in .js only, and not everybody who reads a .d.ts knows .ts.
const SPECIFIER = /^((?:import|export|\}|\s).*?(?:\bfrom |\bimport\())(["'])(\.\.?\/[^"']+)\.ts\2/gm;

// What a program's own `lib` may lack: es2022 is what most have, and `using` is younger.
const DISPOSABLE = /\b(?:Async)?Disposable\b|\bSymbol\.(?:asyncD|d)ispose\b/;

/** Paths of the files it wrote. @throws {Error} with the compiler's words */
export async function writeDeclarations() {
  const compiler = path.join(root, "node_modules/typescript/bin/tsc");
  const run = promisify(execFile)(process.execPath, [compiler, ...OPTIONS, ...builtSources(["exports", "imports"])], {
    cwd: root,
    maxBuffer: 64 * 1024 * 1024,
  });
  const { stdout } = await run.catch((error) => {
    const faults = String(error.stdout ?? "").split("\n").filter((line) => !line.startsWith("TSFILE: "));
    throw new Error(`Cannot write the declarations: ${faults.join("\n").trim() || error.message}`);
  });
  const files = [...stdout.matchAll(/^TSFILE: (.*)$/gm)].map((match) => path.resolve(root, match[1]));
  for (const file of files) {
    const text = fs.readFileSync(file, "utf8");
    const reference = DISPOSABLE.test(text) ? '/// <reference lib="esnext.disposable" />\n' : "";
    const rewritten = reference + text.replace(SPECIFIER, "$1$2$3.js$2");
    if (rewritten !== text) fs.writeFileSync(file, rewritten);
  }
  return files;
}
