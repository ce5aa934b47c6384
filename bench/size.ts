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

/** Bundles an agent for browsers. */
export async function measureSize(): Promise<Size> {
  const { outputFiles } = await build({
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
  });
  const bytes = outputFiles[0].contents;
  const gzipBytes = gzipSync(bytes, { level: 9 }).length;
  return { minBytes: bytes.length, gzipBytes, limitBytes: GZIP_LIMIT, pass: gzipBytes <= GZIP_LIMIT };
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
