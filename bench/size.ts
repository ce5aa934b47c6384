/** Bytes of a browser bundle that holds one client: `bun run bench/size.ts`. */
import { gzipSync } from "node:zlib";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** Bytes after gzip that a bundle may have. */
export const GZIP_LIMIT = 20_000;

/** What a bundle weighs. */
export interface Size {
  readonly minBytes: number;
  readonly gzipBytes: number;
  readonly limitBytes: number;
  readonly pass: boolean;
}

/**
 * Bundles an agent for browsers. Counted is what loads before the first connect: HTTP over the connection is a chunk of its
 * own, which the first `proxyHttp` loads.
 */
export async function measureSize(): Promise<Size> {
  const { outputFiles, metafile } = await build({
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
    splitting: true,
    outdir: "dist",
    metafile: true,
  });
  const pending = Object.keys(metafile.outputs).filter((name) => metafile.outputs[name].entryPoint === "<stdin>");
  const loaded = new Set<string>(pending);
  for (const name of loaded) {
    for (const { path, kind } of metafile.outputs[name].imports) if (kind === "import-statement") loaded.add(path);
  }
  const files = outputFiles.filter(({ path }) => [...loaded].some((name) => path.endsWith(name)));
  let [minBytes, gzipBytes] = [0, 0];
  for (const { contents } of files) {
    minBytes += contents.length;
    gzipBytes += gzipSync(contents, { level: 9 }).length;
  }
  return { minBytes, gzipBytes, limitBytes: GZIP_LIMIT, pass: gzipBytes <= GZIP_LIMIT };
}

/** One line about it. */
export function sizeLine({ minBytes, gzipBytes, limitBytes, pass }: Size): string {
  return `bundle of AgentClient: ${minBytes} B min, ${gzipBytes} B gzip, limit ${limitBytes} B: ${
    pass ? "pass" : "FAIL"
  }`;
}

if (import.meta.main) {
  const size = await measureSize();
  console.log(sizeLine(size));
  process.exitCode = size.pass ? 0 : 1;
}
