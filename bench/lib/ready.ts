/** The server side of a cell: a line of JSON when it listens, a meter for its memory, an end when the runner ends. */
import http from "node:http";
import process from "node:process";

/** What a server process prints. */
export interface Ready {
  readonly url: string;
  /** Where its resident bytes can be read. */
  readonly meter: string;
  readonly pid: number;
}

/** Ends this process when whoever holds its stdin is gone, however it ended. */
export function endWithParent(): void {
  process.stdin.on("end", () => process.exit(0)).resume();
}

/** Opens the meter and says that the server listens. */
export function ready(url: string): void {
  endWithParent();
  const meter = http.createServer((_, response) => response.end(String(residentBytes())));
  meter.listen(0, "127.0.0.1", () => {
    const { port } = meter.address() as { port: number };
    const line: Ready = { url, meter: `http://127.0.0.1:${port}/`, pid: process.pid };
    console.log(JSON.stringify(line));
  });
}

function residentBytes(): number {
  const { Bun, gc } = globalThis as { Bun?: { gc(sync: boolean): void }; gc?: () => void };
  if (Bun) Bun.gc(true);
  else gc?.();
  return process.memoryUsage().rss;
}
