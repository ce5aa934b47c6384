/** Processes of a cell: how a file is run, and what it says first. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** Where code runs. */
export type Runtime = "bun" | "deno";

/** Folder of the project. */
export const ROOT: string = fileURLToPath(new URL("../../", import.meta.url));

/** How a file is run, of this folder or of another state of the project. */
export function command(runtime: Runtime, flags: readonly string[] = []): string[] {
  const binary = `${ROOT}node_modules/.bin/${runtime}`;
  return runtime === "bun" ? [binary, "run", ...flags] : [binary, "run", "-A", "--v8-flags=--expose-gc", ...flags];
}

/** Starts a process that ends with this one: its stdin closes. */
export function start([file, ...args]: string[], cwd = ROOT): ChildProcess {
  return spawn(file, args, { cwd, stdio: ["pipe", "pipe", "pipe"] });
}

/** The first line that contains a text; what else was said is the reason when there is none. */
export function line(child: ChildProcess, wanted: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = "";
    const hear = (text: string): void => {
      if (text.includes(wanted) && (wanted !== "{" || text.startsWith("{"))) resolve(text);
      else said = `${said}\n${text}`.slice(-2000);
    };
    createInterface({ input: child.stdout! }).on("line", hear);
    createInterface({ input: child.stderr! }).on("line", hear);
    child.on("error", reject);
    child.on("close", (code) => reject(new Error(`a process ended with ${code}:${said}`)));
  });
}
