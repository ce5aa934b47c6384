/** Bytes of a browser bundle that holds one client: `bun run bench/size.ts`. */
import { gzipSync } from "node:zlib";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** Bytes after gzip that a bundle may have. */
export const GZIP_LIMIT = 20_000;

/** What a bundle weighs. */
export interface Size {
  /** What loads before the first connect. */
  readonly minBytes: number;
  readonly gzipBytes: number;
  readonly limitBytes: number;
  readonly pass: boolean;
  /** What the first use of a rarer thing loads besides, by the module that is imported then. */
  readonly later: readonly { readonly name: string; readonly minBytes: number; readonly gzipBytes: number }[];
  /** All of it in one file, for who cannot split. */
  readonly whole: { readonly minBytes: number; readonly gzipBytes: number };
}

type Weight = Size["whole"];

async function bundle(splitting: boolean) {
  return await build({
    stdin: {
      contents: 'export { AgentClient } from "../mod.ts";',
      resolveDir: fileURLToPath(new URL(".", import.meta.url)),
      loader: "ts",
    },
    alias: { "#dial": fileURLToPath(new URL("../src/runtime/dial_default.ts", import.meta.url)) },
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    write: false,
    splitting,
    outdir: "dist",
    metafile: true,
  });
}

/**
 * Bundles an agent for browsers. Counted is what loads before the first connect, file by file as it is served; HTTP over the
 * connection, and tasks, keys and checkpoints, are chunks that their first use loads.
 */
export async function measureSize(): Promise<Size> {
  const [{ outputFiles, metafile }, single] = await Promise.all([bundle(true), bundle(false)]);
  const { outputs } = metafile;
  /** Files that load with some, but for those that are there already. */
  const filesOf = (names: string[], present: ReadonlySet<string> = new Set()): Set<string> => {
    const files = new Set(names);
    for (const name of files) {
      for (const { path, kind } of outputs[name].imports) {
        if (kind === "import-statement" && !present.has(path)) files.add(path);
      }
    }
    return files;
  };
  const weigh = (names: Iterable<string>): Weight => {
    let [minBytes, gzipBytes] = [0, 0];
    for (const name of names) {
      const { contents } = outputFiles.find(({ path }) => path.endsWith(name))!;
      minBytes += contents.length;
      gzipBytes += gzipSync(contents, { level: 9 }).length;
    }
    return { minBytes, gzipBytes };
  };
  const entry = filesOf(Object.keys(outputs).filter((name) => outputs[name].entryPoint === "<stdin>"));
  const imported = new Set(
    [...entry].flatMap((name) => outputs[name].imports.filter(({ kind }) => kind === "dynamic-import")),
  );
  const later = [...imported].map(({ path }) => ({
    name: outputs[path].entryPoint!.replace(/^.*\//, ""),
    ...weigh(filesOf([path], entry)),
  }));
  const { minBytes, gzipBytes } = weigh(entry);
  const { contents } = single.outputFiles[0];
  const whole = { minBytes: contents.length, gzipBytes: gzipSync(contents, { level: 9 }).length };
  return { minBytes, gzipBytes, limitBytes: GZIP_LIMIT, pass: gzipBytes <= GZIP_LIMIT, later, whole };
}

/** One line about what counts. */
export function sizeLine({ minBytes, gzipBytes, limitBytes, pass }: Size): string {
  return `bundle of AgentClient: ${minBytes} B min, ${gzipBytes} B gzip, limit ${limitBytes} B: ${
    pass ? "pass" : "FAIL"
  }`;
}

/** One line for each thing besides. */
export function otherSizes({ later, whole }: Size): string[] {
  return [
    ...later.map(({ name, minBytes, gzipBytes }) => `  later, ${name}: ${minBytes} B min, ${gzipBytes} B gzip`),
    `  all in one file: ${whole.minBytes} B min, ${whole.gzipBytes} B gzip`,
  ];
}

if (import.meta.main) {
  const size = await measureSize();
  console.log([sizeLine(size), ...otherSizes(size)].join("\n"));
  process.exitCode = size.pass ? 0 : 1;
}
