// edge: no Deno, Bun, node: or cloudflare: names
import { InvalidArgumentError } from "../errors.ts";

/** @throws {InvalidArgumentError} unless it is a time to wait; Infinity is as long as it takes */
export function requireMs(value: number | undefined, name: string): void {
  if (value === undefined || (typeof value === "number" && value > 0)) return;
  wrong(value, name, "a number of ms above 0, Infinity for as long as it takes");
}

/** @throws {InvalidArgumentError} unless it is a whole number of at least so much; Infinity is any number */
export function requireCount(value: number | undefined, name: string, least: number): void {
  if (value === undefined || (value >= least && (Number.isInteger(value) || value === Infinity))) return;
  wrong(value, name, `a whole number of at least ${least}, Infinity for any number`);
}

function wrong(value: unknown, name: string, right: string): never {
  throw new InvalidArgumentError(`Cannot use "${String(value)}" as ${name}: give ${right}`, name);
}
