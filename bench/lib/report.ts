/** From samples to a table: medians, ratios, and which floors and goals are met. */
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
  /** Medians. */
  readonly figures: Partial<Record<Fabric, number>>;
  /** Ours to theirs. */
  readonly ratios: Partial<Record<Fabric, number>>;
  readonly floor?: string;
  readonly pass?: boolean;
  readonly goal?: string;
  readonly goalMet?: boolean;
}

interface Floor {
  readonly figure: string;
  readonly against: Fabric | "number";
  /** The bounds are the greatest values rather than the least. */
  readonly atMost?: boolean;
  readonly floor: number;
  readonly goal?: number;
  readonly only?: (cell: Cell) => boolean;
}

const onBun = ({ gateway }: Cell): boolean => gateway === "bun";
const inMemory = ({ store }: Cell): boolean => store === "memory";
const inSqlite = ({ store }: Cell): boolean => store === "sqlite";

/** The floors, and where they are further, the goals: a ratio of ours to the other, or a plain number. */
const FLOORS: readonly Floor[] = [
  { figure: "messages_per_s", against: "control", floor: 1, goal: 3 },
  { figure: "relay_p50_us", against: "control", atMost: true, floor: 2.5, goal: 1.4 },
  { figure: "request_p50_us", against: "nats", atMost: true, floor: 1.2, goal: 0.7 },
  { figure: "request_100_per_s", against: "nats", floor: 1, goal: 4 },
  { figure: "deliveries_per_s", against: "control", floor: 1, goal: 3 },
  { figure: "connection_bytes", against: "number", atMost: true, floor: 20_000, goal: 8000, only: onBun },
  // The stall of a socket without TCP_NODELAY lasts 40 ms and more.
  { figure: "relay_p99_us", against: "number", atMost: true, floor: 40_000 },
  { figure: "request_p99_us", against: "number", atMost: true, floor: 40_000 },
  { figure: "send_100_per_s", against: "control", floor: 0.1, goal: 0.3 },
  { figure: "put_100_per_s", against: "jetstream", floor: 1.5, goal: 4 },
  { figure: "get_100_per_s", against: "jetstream", floor: 3, goal: 8 },
  { figure: "task_100_per_s", against: "bullmq", floor: 8, goal: 30, only: inMemory },
  { figure: "task_100_per_s", against: "bullmq", floor: 4, goal: 15, only: inSqlite },
  { figure: "task_p50_us", against: "bullmq", atMost: true, floor: 0.6, goal: 0.25 },
  { figure: "small_50_per_s", against: "hono_proxy", floor: 0.7, goal: 1.3 },
  { figure: "large_4_per_s", against: "hono_proxy", floor: 0.4, goal: 1 },
  { figure: "stream_4_per_s", against: "hono_proxy", floor: 0.4, goal: 1 },
  { figure: "begin_p99_ms", against: "number", atMost: true, floor: 50 },
];

/** The rows of a cell. */
export function rowsOf(result: CellResult): Row[] {
  const { scenario, gateway, clients, store, samples } = result;
  const first = Object.values(samples).find((rounds) => rounds.length > 0)?.[0] ?? {};
  return Object.keys(first).map((figure) => {
    const figures: Row["figures"] = {};
    for (const [fabric, rounds] of Object.entries(samples) as [Fabric, Figures[]][]) {
      const values = rounds.map((figures) => figures[figure]).filter((value) => value !== undefined);
      if (values.length > 0) figures[fabric] = median(values);
    }
    const { ours, ...others } = figures;
    const ratios: Row["ratios"] = {};
    for (const [fabric, value] of Object.entries(others)) ratios[fabric as Fabric] = (ours ?? NaN) / value;
    return judge({ scenario, gateway, clients, store, figure, figures, ratios });
  });
}

function judge(row: Row): Row {
  const found = FLOORS.find(({ figure, only }) => figure === row.figure && (only?.(row) ?? true));
  if (!found) return row;
  const { against, atMost, floor, goal } = found;
  const value = against === "number" ? row.figures.ours : row.ratios[against];
  if (value === undefined) return row;
  const said = (bound: number): string => `${atMost ? "<=" : ">="} ${bound}`;
  const met = (bound: number): boolean => (atMost ? value <= bound : value >= bound);
  return {
    ...row,
    floor: against === "number" ? said(floor) : `${said(floor)} ${against}`,
    pass: met(floor),
    ...(goal === undefined ? {} : { goal: said(goal), goalMet: met(goal) }),
  };
}

/** The rows as text. Of two peers the one that the floor is about comes first. */
export function table(rows: readonly Row[]): string {
  const head = ["scenario", "store", "gateway", "clients", "figure", "ours", "control", "ratio"];
  head.push("peer", "", "ratio", "peer", "", "ratio", "floor", "goal", "");
  const lines = rows.map((row) => {
    const { figures, ratios } = row;
    const peers = (["nats", "bullmq", "hono_proxy", "jetstream", "http_proxy"] as const).filter((name) =>
      figures[name] !== undefined
    );
    return [
      row.scenario,
      row.store,
      row.gateway,
      row.clients,
      row.figure,
      number(figures.ours),
      number(figures.control),
      ratio(ratios.control),
      ...[0, 1].flatMap((at) => [peers[at] ?? "", number(figures[peers[at]]), ratio(ratios[peers[at]])]),
      row.floor ?? "",
      row.goal ?? "",
      row.pass === undefined ? "" : row.goalMet ? "goal" : row.pass ? "pass" : "BELOW",
    ];
  });
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
