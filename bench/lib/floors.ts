/** The floors, and where they are further, the goals. */
import type { Cell, Fabric } from "./cell.ts";

/** What one figure is held against: a ratio of ours to the other, or a plain number. */
export interface Floor {
  readonly figure: string;
  readonly against: Fabric | "number";
  /** The bounds are the greatest values rather than the least. */
  readonly atMost?: boolean;
  readonly floor?: number;
  readonly goal?: number;
  readonly only?: (cell: Cell) => boolean;
}

const onBun = ({ gateway, clients }: Cell): boolean => gateway === "bun" && clients === "bun";
const onDeno = (cell: Cell): boolean => !onBun(cell);
const inMemory = ({ store }: Cell): boolean => store === "memory";
const inSqlite = ({ store }: Cell): boolean => store === "sqlite";
const isRelay = ({ scenario }: Cell): boolean => scenario === "relay";
const isHundred = ({ scenario }: Cell): boolean => scenario === "fan_out";

/** All of them. */
export const FLOORS: readonly Floor[] = [
  { figure: "messages_per_s", against: "control", floor: 1, goal: 3, only: (cell) => isRelay(cell) && onBun(cell) },
  { figure: "messages_per_s", against: "control", floor: 1, goal: 4, only: (cell) => isRelay(cell) && onDeno(cell) },
  { figure: "messages_per_s", against: "nats", goal: 1.5, only: isRelay },
  { figure: "messages_per_s", against: "grpc", goal: 20, only: isRelay },
  { figure: "relay_p50_us", against: "control", atMost: true, floor: 2.5, goal: 1.4 },
  { figure: "relay_p50_us", against: "nats", atMost: true, goal: 1 },
  { figure: "request_p50_us", against: "nats", atMost: true, floor: 1.2, goal: 0.7 },
  { figure: "request_100_per_s", against: "nats", floor: 1, goal: 4 },
  { figure: "deliveries_per_s", against: "control", floor: 1, goal: 3, only: isHundred },
  { figure: "deliveries_per_s", against: "nats", goal: 6, only: isHundred },
  {
    figure: "connection_bytes",
    against: "number",
    atMost: true,
    floor: 20_000,
    goal: 8000,
    only: ({ gateway }) => gateway === "bun",
  },
  // The stall of a socket without TCP_NODELAY lasts 40 ms and more.
  { figure: "relay_p99_us", against: "number", atMost: true, floor: 40_000 },
  { figure: "request_p99_us", against: "number", atMost: true, floor: 40_000 },
  { figure: "send_100_per_s", against: "control", floor: 0.1, goal: 0.3 },
  { figure: "put_100_per_s", against: "jetstream", floor: 1.5, goal: 4 },
  { figure: "get_100_per_s", against: "jetstream", floor: 3, goal: 8 },
  { figure: "task_100_per_s", against: "bullmq", floor: 8, goal: 30, only: inMemory },
  { figure: "task_100_per_s", against: "jetstream", goal: 12, only: inMemory },
  { figure: "task_100_per_s", against: "bullmq", floor: 4, goal: 15, only: inSqlite },
  { figure: "task_p50_us", against: "bullmq", atMost: true, floor: 0.6, goal: 0.25 },
  // By a client's own connection, and by `fetch` at the address of the gateway.
  ...["sdk_", ""].flatMap((way): Floor[] => [
    { figure: `${way}small_50_per_s`, against: "hono_proxy", floor: 0.7, goal: 1.3 },
    { figure: `${way}small_50_per_s`, against: "http_proxy", goal: 10 },
    { figure: `${way}large_4_per_s`, against: "hono_proxy", floor: 0.4, goal: 1 },
    { figure: `${way}stream_4_per_s`, against: "hono_proxy", floor: 0.4, goal: 1 },
  ]),
  { figure: "replayed_to_relay", against: "number", floor: 0.5, goal: 1 },
  { figure: "begin_p99_ms", against: "number", atMost: true, floor: 50 },
];
