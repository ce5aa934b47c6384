import process from "node:process";
import { VERSION } from "../protocol/version.ts";
import { parseArgs } from "./args.ts";
import { backup } from "./commands/backup.ts";
import { curl } from "./commands/curl.ts";
import { dev } from "./commands/dev.ts";
import { expose } from "./commands/expose.ts";
import { worker } from "./commands/worker.ts";
import { createOutput, type Output } from "./output.ts";
import { HELPS } from "./help.ts";

async function run(argv: string[]): Promise<[code: number, output: Output]> {
  const command = parseArgs(argv);
  const isJson = "options" in command ? command.options.json : command.kind !== "help" && command.json;
  const output = createOutput(isJson);
  switch (command.kind) {
    case "dev":
      return [await dev(command.options, output), output];
    case "worker":
      return [await worker(command.options, output), output];
    case "expose":
      return [await expose(command.options, output), output];
    case "curl":
      return [await curl(command.options, output), output];
    case "backup":
      return [await backup(command.options, output), output];
    case "version":
      output.line(`aether ${VERSION}`);
      output.event("version", { version: VERSION });
      return [0, output];
    case "help":
      output.line(HELPS[command.of ?? "all"].trimEnd());
      return [0, output];
    case "fault":
      output.error(command.message);
      if (!output.isJson) process.stderr.write(`"aether help" lists what there is\n`);
      return [2, output];
  }
}

/** Runs the command line, with some words before it, and ends the process. */
export async function main(...before: string[]): Promise<never> {
  const [code, output] = await run([...before, ...process.argv.slice(2)]);
  await output.flush();
  process.exit(code);
}
