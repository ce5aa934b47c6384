/** What the guard runs, and holds against what: of each cell that has a control, what one piece of work costs. */
import { type Cell, type Fabric, measure, type Way } from "./cell.ts";
import { cellsOf, GROUPS, type Plan } from "./plans.ts";
import type { Figures } from "./scenario.ts";

/** A figure of ours to that of the control; more is worse. */
export interface Ratio {
  readonly name: string;
  readonly ratio: number;
}

/** Figures that are held against the control's as they are. */
const PLAIN = ["connection_bytes", "welcome_ms", "first_answer_ms"];
/** Those that are a ratio already: of this part of a run to another one. More is better. */
const OWN = ["replayed_to_relay", "asleep_to_alone"];
/** What is measured where not everything is: the hot path of messages and of what is kept. */
const FEW = ["relay", "durable_send"];
/** Of a task there is no bare thing; it is held against a request by way of the bare relay, of which it is some. */
const TASKS = { scenario: "round_trip", figure: "request_100" };

/** A cell, and who stands in as its control. */
export interface Guarded {
  readonly cell: Cell;
  readonly against: Fabric | undefined;
}

/** The cells of the short run; `isFew` leaves those of the hot path. */
export function guarded(isFew: boolean): Guarded[] {
  const plans = Object.values(GROUPS).flat().filter(({ scenario, isLong }) =>
    !isLong && (isFew ? FEW.includes(scenario) : true)
  );
  // Where there is no control there is no ratio, but it has to run.
  return plans.flatMap((plan) => cellsOf(plan, true).map((cell) => ({ cell, against: controlOf(plan) })));
}

function controlOf({ against }: Plan): Fabric | undefined {
  return against.find((fabric) => fabric === "control" || fabric === "threads");
}

/** Controls of this run, by scenario and gateway. */
export type Controls = Map<string, Figures>;

/** Measures a cell and its control once, one after the other. */
export async function ratiosOf(
  { cell, against }: Guarded,
  way: Way,
  isReversed: boolean,
  controls: Controls,
): Promise<Ratio[]> {
  const order: readonly (Fabric | undefined)[] = isReversed ? [against, "ours"] : ["ours", against];
  const found: Partial<Record<Fabric, Figures>> = {};
  for (const fabric of order) if (fabric) found[fabric] = await measure(cell, fabric, way);
  const ours = found.ours!;
  const control = against && found[against];
  if (control) controls.set(`${cell.scenario} ${cell.gateway}`, control);
  const ratios: Ratio[] = [];
  const { scenario, gateway, clients, store } = cell;
  const add = (what: string, ratio: number): void =>
    void ratios.push({ name: `${scenario} ${store} ${gateway}/${clients} ${what}`, ratio });
  for (const figure of Object.keys(ours)) {
    if (OWN.includes(figure)) add(figure, 1 / ours[figure]);
    if (control && PLAIN.includes(figure)) add(figure, ours[figure] / control[figure]);
    const work = /^(.+)_server_us$/.exec(figure)?.[1];
    if (!work) continue;
    const theirs = control ?? controls.get(`${TASKS.scenario} ${gateway}`);
    const cost = theirs && costOf(theirs, control ? work.replace(/^sdk_/, "") : TASKS.figure);
    if (cost !== undefined) add(`${work} CPU`, costOf(ours, work)! / cost);
  }
  return ratios;
}

/**
 * CPU of both sides for one: on a busy machine a rate tells who was given the cores rather than who needs them. Of a process
 * without a server there is the client's alone.
 */
function costOf(figures: Figures, work: string): number | undefined {
  const client = figures[`${work}_client_us`];
  return client === undefined ? undefined : client + (figures[`${work}_server_us`] ?? 0);
}
