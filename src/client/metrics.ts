// edge: no Deno, Bun, node: or cloudflare: names
import { InvalidArgumentError } from "../errors.ts";
import { utf8 } from "../base/bytes.ts";

/** One measured quantity. */
export interface MetricEntry {
  /** What was measured. */
  name: string;
  /** Its unit, free text. */
  kind: string;
  /** How much; quantities are additive. */
  qty: number;
}

/** What `sendMetric` takes besides bytes. */
export interface Metric {
  /** Joins metrics of one piece of work. */
  traceId?: string;
  /** 1 to 1024 of them. */
  entries: MetricEntry[];
  /** Up to 64 labels. */
  metadata?: Record<string, string>;
  /** When it was measured, ms since epoch. */
  clientTimestampMs?: number;
}

/** Builds a {@link Metric} step by step. */
export class MetricBuilder {
  readonly #metric: Metric = { entries: [] };

  /** Joins it to a piece of work. */
  trace(id: string): this {
    this.#metric.traceId = id;
    return this;
  }
  /** Adds a quantity. */
  add(name: string, kind: string, qty: number): this {
    this.#metric.entries.push({ name, kind, qty });
    return this;
  }
  /** Adds a label. */
  tag(key: string, value: string): this {
    (this.#metric.metadata ??= {})[key] = value;
    return this;
  }
  /** Says when it was measured. */
  clientTimestampMs(at: number): this {
    this.#metric.clientTimestampMs = at;
    return this;
  }
  /** The metric, checked. @throws {InvalidArgumentError} naming what is wrong */
  build(): Metric {
    checkMetric(this.#metric);
    return structuredClone(this.#metric);
  }
}

/**
 * Starts a metric.
 * @example
 * ```ts
 * import { newMetric } from "@aether-edge/sdk";
 * const metric = newMetric().trace("req-1").add("tokens", "count", 128).tag("model", "small").build();
 * if (metric.entries.length !== 1) throw new Error("never");
 * ```
 */
export function newMetric(): MetricBuilder {
  return new MetricBuilder();
}

/** Bytes of a metric: JSON, as consumers of the older system expect. */
export function encodeMetric(metric: Metric): Uint8Array {
  checkMetric(metric);
  return utf8(JSON.stringify(metric));
}

function checkMetric({ entries, metadata }: Metric): void {
  const fault = (what: string): never => {
    throw new InvalidArgumentError(`Cannot send metric: ${what}`, "metric");
  };
  if (!Array.isArray(entries) || entries.length < 1 || entries.length > 1024) {
    fault(`it has ${entries?.length ?? "no"} entries, 1 to 1024 are allowed`);
  }
  for (const { name, qty } of entries) {
    if (typeof name !== "string" || name === "") fault("an entry has no name");
    if (typeof qty !== "number" || !Number.isFinite(qty)) {
      fault(`quantity of "${name}" is ${qty}, a finite number is needed`);
    }
  }
  if (Object.keys(metadata ?? {}).length > 64) fault("it has more than 64 labels");
}
