import process from "node:process";
import { allowAll } from "../../gateway/auth.ts";
import { createGateway, type Gateway } from "../../gateway/gateway.ts";
import { VERSION } from "../../protocol/version.ts";
import type { ServeOptions, Server } from "../../runtime/rim.ts";
import { memoryStore } from "../../store/memory.ts";
import type { Store } from "../../store/store.ts";
import type { DevOptions } from "../args.ts";
import { loadExamples, runDemo, runSearch } from "../demo.ts";
import { readFolder } from "../folder.ts";
import type { Output } from "../output.ts";

const FIRST_PORT = 8787;
const PORTS_TO_TRY = 20;
const DRAIN_MS = 900;
/** On one machine a worker that is alive comes back at once; one that does not has ended with the gateway. */
const LIMITS = { taskGraceMs: 2_000 };
/** npm passes a Ctrl-C on to a script that the terminal has told already: that near, two signals are one. */
const SAME_SIGNAL_MS = 250;

/** `aether dev`: a gateway on this machine until Ctrl-C. @returns the exit code */
export async function dev(options: DevOptions, output: Output): Promise<number> {
  const text = options.demo === undefined ? undefined : readFolder(options.demo);
  if (typeof text === "string") return fail(output, text, 2);
  const example = text && (await loadExamples());
  if (text && !example) {
    return fail(
      output,
      "The demo is not part of the installed package: run it in a copy of the project, by npm start -- --demo <folder>",
      1,
    );
  }

  const stop = new AbortController();
  const stopped = listenForSignals(stop, output);
  const store = await openStore(options.store);
  if (store instanceof Error) return fail(output, store.message, 1);
  const services = [...options.ingress, ...(example ? ["search"] : [])];
  const ingress = services.length > 0 ? { services } : undefined;
  const gateway = await createGateway({ store, auth: allowAll(), limits: LIMITS, ingress });
  const server = await open(gateway, options).catch((error) => error as Error);
  if (server instanceof Error) return fail(output, whyNotOpen(server, options), refusedHost(server) ? 2 : 1);
  greet(server, options, output);

  let code = 0;
  let service: AsyncDisposable | undefined;
  if (text && example) {
    try {
      const total = await runDemo(example, text, server.url, output, stop.signal);
      service = await runSearch(example, server, total, output, stop.signal);
    } catch (error) {
      if (!stop.signal.aborted) {
        code = fail(output, `The demo failed: ${error instanceof Error ? error.message : error}`, 1);
      }
    }
  }
  if (!options.once) {
    if (text && !stop.signal.aborted) output.line(`\nThe gateway keeps running; ${output.bold("Ctrl-C")} stops it.`);
    await stopped;
    code = 0;
  }
  let timer: ReturnType<typeof setTimeout> | undefined;
  const drained = service?.[Symbol.asyncDispose]();
  const late = new Promise<void>((resolve) => timer = setTimeout(resolve, DRAIN_MS));
  await Promise.race([late, Promise.resolve(drained).then(() => gateway.close()).then(() => server.close())]);
  clearTimeout(timer);
  output.event("stopped", { code });
  return code;
}

function fail(output: Output, message: string, code: number): number {
  output.error(message);
  return code;
}

/** A file, or nothing that lasts. Loaded when it is wanted: not every runtime that runs the command has SQLite. */
async function openStore(file: string): Promise<Store | Error> {
  if (file === "memory") return memoryStore();
  try {
    const { sqliteStore } = await import("../../runtime/sqlite.ts");
    return sqliteStore(file);
  } catch (error) {
    const { message } = error as Error;
    return new Error(`${message}. Another file: --store <file>; nothing kept: --store memory`);
  }
}

function greet(server: Server, { store, ingress }: DevOptions, output: Output): void {
  const { url, httpUrl, port } = server;
  output.event("listening", { url, httpUrl, port, store, pid: process.pid, version: VERSION });
  const where = store === "memory" ? "in memory" : `that keeps everything in ${store}`;
  output.line(`${output.bold("Aether Edge")} ${VERSION}: a gateway ${where}, open to everybody on this machine\n`);
  output.line(`  WebSocket  ${output.bold(url)}`);
  output.line(`  HTTP       ${output.bold(httpUrl)}  ${output.dim("/healthz /readyz /metrics /version")}`);
  for (const name of ingress) output.line(`             ${httpUrl}/s/${name}/`);
  const identity = `workspace: "demo", implementation: "hello", specifier: "1"`;
  output.line(`  Connect    await new AgentClient({ address: "${url}", ${identity} }).connect()`);
  output.line(`  Stop       Ctrl-C\n`);
}

/** Resolves with the first signal; the second one ends the process at once. */
function listenForSignals(stop: AbortController, output: Output): Promise<void> {
  return new Promise((resolve) => {
    let firstAt: number | undefined;
    const onSignal = (signal: string): void => {
      if (firstAt !== undefined) {
        if (performance.now() - firstAt > SAME_SIGNAL_MS) process.exit(130);
        return;
      }
      firstAt = performance.now();
      output.event("stopping", { signal });
      output.line("\nStopping.");
      stop.abort(new Error(`${signal} came`));
      resolve();
    };
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => onSignal(signal));
  });
}

async function open(gateway: Gateway, options: DevOptions): Promise<Server> {
  const serve = await loadServe();
  if (options.port !== undefined) return serve(gateway, { hostname: options.host, port: options.port });
  for (let port = FIRST_PORT;; port++) {
    try {
      return await serve(gateway, { hostname: options.host, port });
    } catch (error) {
      if (!isTaken(error) || port === FIRST_PORT + PORTS_TO_TRY - 1) throw error;
    }
  }
}

async function loadServe(): Promise<(gateway: Gateway, options?: ServeOptions) => Promise<Server>> {
  if ("Bun" in globalThis) return (await import("../../runtime/bun.ts")).serve;
  if ("Deno" in globalThis) return (await import("../../runtime/deno.ts")).serve;
  return (await import("../../runtime/node.ts")).serve;
}

function isTaken(error: unknown): boolean {
  const { code, name } = error as { code?: string; name?: string };
  return code === "EADDRINUSE" || name === "AddrInUse";
}

function refusedHost(error: Error): boolean {
  return error.name === "InvalidArgumentError";
}

function whyNotOpen(error: Error, { port, host }: DevOptions): string {
  if (refusedHost(error)) {
    return `Cannot listen on "${host}": a dev gateway lets everybody in, so it stays on this machine; use 127.0.0.1, localhost or ::1`;
  }
  if (!isTaken(error)) return `Cannot listen on ${host}${port === undefined ? "" : ` port ${port}`}: ${error.message}`;
  if (port === undefined) {
    return `Ports ${FIRST_PORT} to ${FIRST_PORT + PORTS_TO_TRY - 1} are all taken: choose one with --port, 0 takes any`;
  }
  return `Port ${port} is taken: choose another, or leave --port out to get the next free one`;
}
