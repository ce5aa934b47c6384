/**
 * The command `aether`.
 * @module
 */
import process from "node:process";
import { VERSION } from "../protocol/version.ts";
import { parseArgs } from "./args.ts";
import { dev } from "./commands/dev.ts";
import { createOutput, type Output } from "./output.ts";

const HELP = `aether, the command of Aether Edge

  aether dev        run a gateway on this machine, for development
  aether version    say which version this is
  aether help       say this

Flags of "aether dev":
  --port <number>   port to open; 8787 or the next free one by default, 0 takes any
  --host <address>  loopback address to listen on; 127.0.0.1 by default
  --demo <folder>   let agents count the words of the *.txt and *.md files in a folder
  --once            exit when the demo has finished
  --json            print events as JSON, one a line
`;

async function run(argv: string[]): Promise<[code: number, output: Output]> {
  const command = parseArgs(argv);
  const output = createOutput(command.kind === "dev" ? command.options.json : command.kind !== "help" && command.json);
  switch (command.kind) {
    case "dev":
      return [await dev(command.options, output), output];
    case "version":
      output.line(`aether ${VERSION}`);
      output.event("version", { version: VERSION });
      return [0, output];
    case "help":
      output.line(HELP.trimEnd());
      return [0, output];
    case "fault":
      output.error(command.message);
      if (!output.isJson) process.stderr.write(`"aether help" lists what there is\n`);
      return [2, output];
  }
}

const [code, output] = await run(process.argv.slice(2));
await output.flush();
process.exit(code);
