/** The entry points as package.json states them; every other tool asks here instead of keeping a list. */
import fs from "node:fs";
import path from "node:path";

export const root = path.resolve(import.meta.dirname, "..");

export function readJson(name) {
  return JSON.parse(fs.readFileSync(path.join(root, name), "utf8"));
}

/** "./dist/src/x.js", "./dist/src/x.d.ts" and "./src/x.ts" all come from "src/x.ts". */
export function sourceOf(target) {
  return target.replace(/^\.\//, "").replace(/^dist\/(.*?)(?:\.js|\.d\.ts)$/, "$1.ts");
}

/** Every path below a conditions object, a plain string or a map of them. */
export function targetsOf(value) {
  return typeof value === "string" ? [value] : Object.values(value ?? {}).flatMap(targetsOf);
}

/** Sources of all that package.json promises in dist/, or of some fields of it, each once. */
export function builtSources(fields = ["exports", "imports", "bin"]) {
  const manifest = readJson("package.json");
  const built = targetsOf(fields.map((field) => manifest[field])).filter((target) => target.startsWith("./dist/"));
  return [...new Set(built.map(sourceOf))];
}
