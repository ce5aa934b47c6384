/** From samples to a table: medians, ratios, and which floors of the first goals are met. */
import type { Cell, Fabric } from "./cell.ts";
import { median } from "./measure.ts";
import type { Figures } from "./scenario.ts";

/** All samples of one cell, one per round. */
export interface CellResult extends Cell {
  readonly samples: Partial<Record<Fabric, Figures[]>>;
  readonly errors: string[];
}

/** One line of the table. */
export interface Row extends Cell {
  readonly figure: string;
  readonly ours: number;
  readonly control: number;
  readonly nats?: number;
  readonly toControl: number;
  readonly toNats?: number;
  readonly floor?: string;
  readonly pass?: boolean;
}

interface Floor {
  readonly figure: string;
  readonly against: "control" | "nats" | "number";
  readonly atMost?: number;
  readonly atLeast?: number;
  readonly only?: (cell: Cell) => boolean;
}

/** The first floor of the goals; a ratio of ours to the other, or a plain number. */
const FLOORS: readonly Floor[] = [
  { figure: "messages_per_s", against: "control", atLeast: 1 },
  { figure: "relay_p50_us", against: "control", atMost: 2.5 },
  { figure: "request_p50_us", against: "nats", atMost: 1.2 },
  { figure: "request_100_per_s", against: "nats", atLeast: 1 },
  { figure: "deliveries_per_s", against: "control", atLeast: 1 },
  { figure: "connection_bytes", against: "number", atMost: 20_000, only: ({ gateway }) => gateway === "bun" },
  // The stall of a socket without TCP_NODELAY lasts 40 ms and more.
  { figure: "relay_p99_us", against: "number", atMost: 40_000 },
  { figure: "request_p99_us", against: "number", atMost: 40_000 },
];

/** The rows of a cell. */
export function rowsOf(result: CellResult): Row[] {
  const { scenario, gateway, clients, samples } = result;
  const middle = (fabric: Fabric, figure: string): number | undefined => {
    const values = samples[fabric]?.map((figures) => figures[figure]);
    return values?.length ? median(values) : undefined;
  };
  return Object.keys(samples.ours?.[0] ?? samples.control?.[0] ?? {}).map((figure) => {
    const ours = middle("ours", figure) ?? NaN;
    const control = middle("control", figure) ?? NaN;
    const nats = middle("nats", figure);
    const row = { scenario, gateway, clients, figure, ours, control, nats, toControl: ours / control };
    return judge(nats === undefined ? row : { ...row, toNats: ours / nats });
  });
}

function judge(row: Row): Row {
  const floor = FLOORS.find(({ figure, only }) => figure === row.figure && (only?.(row) ?? true));
  if (!floor) return row;
  const value = { control: row.toControl, nats: row.toNats, number: row.ours }[floor.against];
  if (value === undefined) return row;
  const { atMost = Infinity, atLeast = -Infinity, against } = floor;
  const bound = floor.atMost === undefined ? `>= ${atLeast}` : `<= ${atMost}`;
  return {
    ...row,
    floor: against === "number" ? bound : `${bound} ${against}`,
    pass: value <= atMost && value >= atLeast,
  };
}

/** The rows as text. */
export function table(rows: readonly Row[]): string {
  const head = ["scenario", "gateway", "clients", "figure", "ours", "control", "ratio", "nats", "ratio", "floor", ""];
  const lines = rows.map((row) => [
    row.scenario,
    row.gateway,
    row.clients,
    row.figure,
    number(row.ours),
    number(row.control),
    ratio(row.toControl),
    number(row.nats),
    ratio(row.toNats),
    row.floor ?? "",
    row.pass === undefined ? "" : row.pass ? "pass" : "BELOW",
  ]);
  const widths = head.map((name, column) => Math.max(name.length, ...lines.map((line) => line[column].length)));
  const text = (line: string[]): string => line.map((cell, column) => cell.padEnd(widths[column])).join("  ").trimEnd();
  return [head, ...lines].map(text).join("\n");
}

function number(value: number | undefined): string {
  if (value === undefined) return "";
  return Math.abs(value) < 1000 ? value.toFixed(1) : Math.round(value).toLocaleString("en-US");
}

function ratio(value: number | undefined): string {
  return value === undefined ? "" : value.toFixed(2);
}
