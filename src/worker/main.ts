// Starts a worker pool: `deno run src/worker/main.ts ./tasks.ts --workspace prod` is "aether worker" by a path of its own.
import { main } from "../cli/run.ts";

await main("worker");
