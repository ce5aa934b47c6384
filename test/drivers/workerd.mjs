/** Runs the client suites inside workerd, against a real gateway in a process of its own. */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { Miniflare } from "miniflare";
import { addressesOf, bundle, report, startGateway, stop, within } from "./parts.mjs";

const RUN_MS = 240_000;

// workerd is killed at the end and would leave its folder behind: give it one that we remove.
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "aether-workerd-"));
process.env.TMPDIR = folder;
const gateway = startGateway();
const interrupted = () => {
  gateway.kill("SIGTERM");
  fs.rmSync(folder, { recursive: true, force: true });
  process.exit(130); // miniflare ends its workerd as this process exits
};
process.on("SIGINT", interrupted).on("SIGTERM", interrupted);

let miniflare;
let code = 1;
try {
  const { url, control } = await addressesOf(gateway);
  const contents = await bundle("test/drivers/workerd_entry.ts", ["workerd", "worker", "browser"]);
  miniflare = new Miniflare({
    host: "127.0.0.1",
    port: 0,
    modules: [{ type: "ESModule", path: path.join(folder, "entry.mjs"), contents }],
    modulesRoot: folder,
    compatibilityDate: "2026-07-01",
  });
  const query = new URLSearchParams({ gateway: url, control });
  const response = await within(RUN_MS, "the cases to end", miniflare.dispatchFetch(`http://localhost/?${query}`));
  if (!response.ok) {
    throw new Error(`Cannot run the cases: workerd answered ${response.status} ${await response.text()}`);
  }
  code = report(await response.json());
} catch (error) {
  console.error(error);
} finally {
  await miniflare?.dispose().catch((error) => console.error(error));
  await stop(gateway);
  fs.rmSync(folder, { recursive: true, force: true });
}
process.exit(code);
