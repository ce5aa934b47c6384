// edge: no Deno, Bun, node: or cloudflare: names
/**
 * A gateway and clients in one process, with virtual time, seeded chance and broken wires.
 * @module
 */
export { testFabric } from "./fabric.ts";
export type { Between, FabricOptions, Faults, Partially, TestFabric, Way } from "./fabric.ts";
export { VirtualClock } from "./virtual_clock.ts";
