/** HTTP by way of a proxy: small answers, large ones, streams, and bodies that are sent. */
import { oneAtATime, ratesOf } from "../lib/callers.ts";
import { LARGE, SMALL } from "../http/handler.ts";
import type { Figures, Setting, Work } from "../lib/scenario.ts";

const body = new Uint8Array(LARGE).fill(120);

/** Rates of each, and how long a small one takes by itself. */
export async function run(setting: Setting): Promise<Figures> {
  const { works, ms } = setting;
  const figures: Figures = {};
  for (const { name, fetch } of (await works()).http!) {
    const get = (path: string, size: number): Work => ({
      call: async () => {
        const bytes = await (await fetch(path)).arrayBuffer();
        if (bytes.byteLength !== size) throw new Error(`${path} gave ${bytes.byteLength} bytes`);
      },
    });
    const post: Work = {
      call: async () => {
        const text = await (await fetch("/count", { method: "POST", body })).text();
        if (text !== String(LARGE)) throw new Error(`/count said ${text}`);
      },
    };
    Object.assign(figures, await ratesOf(`${name}small`, get("/small", SMALL), setting, { many: [50] }));
    Object.assign(figures, await oneAtATime(`${name}small`, get("/small", SMALL), ms));
    Object.assign(figures, await ratesOf(`${name}large`, get("/large", LARGE), setting, { many: [4] }));
    Object.assign(figures, await ratesOf(`${name}stream`, get("/stream", LARGE), setting, { many: [4] }));
    Object.assign(figures, await ratesOf(`${name}post`, post, setting, { many: [4] }));
  }
  return figures;
}
