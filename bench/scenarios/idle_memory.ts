/** What a connection that does nothing costs the server. */
import { pause } from "../lib/measure.ts";
import type { Figures, Setting } from "../lib/scenario.ts";

const WARM = 200;
const CONNECTIONS = 1000;
const AT_ONCE = 50;

/** Growth of resident memory over 1000 connections, after 200 that warmed the server up and stay. */
export async function run({ join, serverMemory }: Setting): Promise<Figures> {
  await connect(join, 0, WARM);
  const before = await settled(serverMemory);
  await connect(join, WARM, WARM + CONNECTIONS);
  const after = await settled(serverMemory);
  return { connection_bytes: (after - before) / CONNECTIONS };
}

async function connect(join: Setting["join"], from: number, to: number): Promise<void> {
  for (let first = from; first < to; first += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, to - first) }, (_, index) => join(first + index)));
  }
}

async function settled(serverMemory: () => Promise<number>): Promise<number> {
  for (let turn = 0; turn < 3; turn++) {
    await pause(60);
    await serverMemory();
  }
  return serverMemory();
}
