/** Runs the client suites in a page of a real Chromium, against a real gateway in a process of its own. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { addressesOf, bundle, report, startGateway, stop, within } from "./parts.mjs";

const RUN_MS = 240_000;
const NAMES = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome"];
const ELSEWHERE = [
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  `${process.env.ProgramFiles}\\Google\\Chrome\\Application\\chrome.exe`,
];
const FLAGS = [
  "--headless",
  // It opens no page but ours, and containers often lack what the sandbox stands on.
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  // It speaks to nobody but us.
  "--disable-quic",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
  "--no-default-browser-check",
];
// No eval: a page may forbid it, and the library has to live with that.
const POLICY = "default-src 'none'; script-src 'self'; connect-src 'self' ws://127.0.0.1:* http://127.0.0.1:*";
const PAGE = `<!doctype html><meta charset="utf-8"><title>cases</title>
<script src="/faults.js"></script><script type="module" src="/cases.js"></script>`;
const FAULTS = `
const tell = (fault) => fetch("/fault", { method: "POST", body: String(fault?.stack ?? fault) });
addEventListener("error", (event) => tell(event.error ?? event.message ?? "a script could not be loaded"), true);
addEventListener("unhandledrejection", (event) => tell(event.reason));
`;

function findChromium() {
  const { CHROMIUM, PATH = "" } = process.env;
  if (CHROMIUM) return CHROMIUM;
  const suffix = process.platform === "win32" ? ".exe" : "";
  const onPath = PATH.split(path.delimiter).flatMap((at) => NAMES.map((name) => path.join(at, name + suffix)));
  return [...onPath, ...ELSEWHERE].find((file) => fs.existsSync(file));
}

/** Serves the page, and keeps what it says: its results, or what no case caught. */
async function servePage(script) {
  const said = {};
  const results = new Promise((resolve, reject) => Object.assign(said, { resolve, reject }));
  results.catch(() => {}); // whoever waits for it may not have begun yet
  const files = {
    "/": ["text/html", PAGE],
    "/faults.js": ["text/javascript", FAULTS],
    "/cases.js": ["text/javascript", script],
  };
  const server = http.createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://127.0.0.1");
    if (request.method === "POST") {
      let body = "";
      request.setEncoding("utf8").on("data", (text) => body += text).on("end", () => {
        if (pathname === "/results") said.resolve(JSON.parse(body));
        else said.reject(new Error(`The page failed outside of every case: ${body}`));
        response.writeHead(204).end();
      });
      return;
    }
    const [type, text] = files[pathname] ?? [];
    if (!type) return void response.writeHead(404).end();
    response.writeHead(200, { "content-type": `${type}; charset=utf-8`, "content-security-policy": POLICY }).end(text);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  return { url: `http://127.0.0.1:${port}/`, results, server };
}

/** Chromium with a group of its own, for it is many processes, and on Debian a shell script at first. */
function startChromium(file, profile, url) {
  const args = [...FLAGS, `--user-data-dir=${profile}`, url];
  const child = spawn(file, args, { stdio: ["ignore", "ignore", "pipe"], detached: process.platform !== "win32" });
  let words = "";
  child.stderr.setEncoding("utf8").on("data", (text) => words = (words + text).slice(-4_000));
  const failed = new Promise((_, reject) => {
    child.once("error", (error) => reject(new Error(`Cannot start ${file}: ${error.message}`)));
    child.once("exit", (code, signal) => {
      reject(new Error(`${file} ended with ${signal ?? `code ${code}`} before the cases did:\n${words}`));
    });
  });
  failed.catch(() => {});
  const kill = (signal) => {
    try {
      if (process.platform === "win32") child.kill(signal);
      else process.kill(-child.pid, signal);
    } catch {
      // It is gone already.
    }
  };
  return { child, failed, kill };
}

const file = findChromium();
if (file === undefined) {
  console.log("chromium: skipped, no Chromium found (set CHROMIUM=/path)");
  process.exit(0);
}

const profile = fs.mkdtempSync(path.join(os.tmpdir(), "aether-chromium-"));
const gateway = startGateway();
let chromium;
let page;
const cleanUp = () => fs.rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
const interrupted = () => {
  gateway.kill("SIGTERM");
  chromium?.kill("SIGKILL");
  cleanUp();
  process.exit(130);
};
process.on("SIGINT", interrupted).on("SIGTERM", interrupted);

let code = 1;
try {
  const { url, control } = await addressesOf(gateway);
  page = await servePage(await bundle("test/drivers/chromium_entry.ts", ["browser"]));
  chromium = startChromium(file, profile, `${page.url}?${new URLSearchParams({ gateway: url, control })}`);
  const results = await within(RUN_MS, "the cases to end", Promise.race([page.results, chromium.failed]));
  code = report(results);
} catch (error) {
  console.error(error);
} finally {
  if (chromium) {
    await stop(chromium.child, chromium.kill);
    chromium.kill("SIGKILL"); // those of its processes that outlive the first
  }
  page?.server.closeAllConnections();
  page?.server.close();
  await stop(gateway);
  cleanUp();
}
process.exit(code);
