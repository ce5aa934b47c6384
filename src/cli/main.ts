/**
 * The command `aether`.
 * @module
 */
import { main } from "./run.ts";

await main();
