import path from "node:path";
import type { Source } from "./source.ts";

const CORE = ["errors", "base", "protocol", "transport", "session"];

/** What each folder of src/ may import besides itself. A folder that is not named here is a question for review. */
const MAY_IMPORT: Record<string, string[]> = {
  errors: [],
  base: CORE.slice(0, 1),
  protocol: CORE.slice(0, 2),
  transport: CORE.slice(0, 3),
  session: CORE.slice(0, 4),
  // HTTP and tunnels stand on any connection, a client's or a gateway's own.
  proxy: CORE,
  client: [...CORE, "proxy"],
  worker: [...CORE, "client"],
  store: ["errors", "base", "protocol"],
  gateway: [...CORE, "store", "proxy"],
  testing: [...CORE, "store", "client", "gateway"],
  // Pools are launched here, and are workers over clients.
  runtime: [...CORE, "store", "client", "worker", "gateway"],
  cli: [...CORE, "store", "client", "worker", "proxy", "gateway", "runtime"],
  // mod.ts, the public face, promises to load wherever there is a web platform.
  mod: [...CORE, "client", "worker", "proxy"],
};

const PACKAGES: Record<string, string[]> = {
  croner: ["gateway"],
  valibot: ["gateway"],
  hono: ["gateway", "proxy"],
  ws: ["runtime"],
  "#dial": ["client"],
  "#pool": ["worker"],
};

/** A file that is not what its folder is: starting a pool by a path is promised to users, and starting is the command's. */
const STRAYS: Record<string, string> = { "src/worker/main.ts": "cli" };

const WITH_PLATFORM = ["runtime", "cli"];
const EDGE_LINE = "// edge: no Deno, Bun, node: or cloudflare: names";
const PLATFORM_MODULE = /^(?:node|bun|cloudflare):|^bun$/;

/** "src/gateway/router.ts" is in "gateway", "src/errors.ts" in "errors", "mod.ts" in "mod". */
function folderOf(file: string): string {
  return STRAYS[file] ?? file.replace(/^src\//, "").replace(/\/.*$/, "").replace(/\.ts$/, "");
}

function isTest(file: string): boolean {
  return file.endsWith("_test.ts");
}

/** Path an import leads to inside the project; undefined for packages. */
function targetOf(source: Source, specifier: string): string | undefined {
  return specifier.startsWith(".") ? path.posix.join(path.posix.dirname(source.file), specifier) : undefined;
}

function packageOf(specifier: string): string {
  return specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}

function complaintsAbout(source: Source): string[] {
  const { file, text, code, strings, imports } = source;
  const found: string[] = [];
  if (/(^|\/)index\.ts$/.test(file)) found.push("is named index.ts: call it by its subject");
  if (/\bexport\s*\*/.test(code)) found.push("has an export *: name what is exported");
  // Tests bring both ends together, on a test runner: the rest is about what is shipped.
  if (isTest(file)) return found;

  const folder = folderOf(file);
  const allowed = MAY_IMPORT[folder];
  if (allowed === undefined) found.push(`is in "${folder}", which has no place in the layers`);

  for (const specifier of imports) {
    const target = targetOf(source, specifier);
    if (target === undefined) {
      if (PLATFORM_MODULE.test(specifier)) continue; // asked below, for every file
      const home = PACKAGES[packageOf(specifier)];
      if (home === undefined) found.push(`imports "${specifier}", a package no folder may use`);
      else if (!home.includes(folder)) found.push(`imports "${specifier}", which belongs to ${home.join("/ and ")}/`);
      continue;
    }
    if (!specifier.endsWith(".ts")) found.push(`imports "${specifier}" without .ts`);
    if (isTest(target)) found.push(`imports a test, ${target}`);
    if (!target.startsWith("src/")) {
      found.push(`imports ${target}, outside src/`);
      continue;
    }
    const other = folderOf(target);
    if (other !== folder && !allowed?.includes(other)) {
      found.push(`imports ${target}: ${folder} must not know ${other}`);
    }
  }

  if (!WITH_PLATFORM.includes(folder)) {
    for (const name of new Set(code.match(/\b(?:Deno|Bun)\b/g))) found.push(`names ${name}`);
    for (const name of strings.filter((value) => PLATFORM_MODULE.test(value) && value !== "bun")) {
      found.push(`names "${name}"`);
    }
    const first = text.split("\n", 1)[0].trimEnd();
    if (file.startsWith("src/") && first !== EDGE_LINE) found.push(`does not begin with "${EDGE_LINE}"`);
  }
  return found;
}

/** Each group of files that import each other in a circle, as a path that comes back to its start. */
function cyclesIn(sources: Source[]): string[] {
  const edges = new Map(sources.map((source) => [
    source.file,
    source.imports.map((specifier) => targetOf(source, specifier)).filter((target) => target !== undefined),
  ]));
  const cycles: string[] = [];
  const done = new Set<string>();
  const walk = (file: string, trail: string[]): void => {
    const at = trail.indexOf(file);
    if (at >= 0) cycles.push([...trail.slice(at), file].join(" → "));
    if (at >= 0 || done.has(file)) return;
    for (const target of edges.get(file) ?? []) walk(target, [...trail, file]);
    done.add(file);
  };
  for (const file of edges.keys()) walk(file, []);
  return cycles;
}

/** Everything in which the files differ from the layer rule, one line each; empty when they keep it. */
export function layerComplaints(sources: Source[]): string[] {
  return [
    ...sources.flatMap((source) => complaintsAbout(source).map((complaint) => `${source.file} ${complaint}`)),
    ...cyclesIn(sources).map((cycle) => `import cycle: ${cycle}`),
  ];
}
