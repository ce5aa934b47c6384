/** Results as tables of Markdown. */
import type { Fabric } from "../lib/cell.ts";
import { type Bound, type Row, type Spread, verdict } from "../lib/report.ts";
import { number, said } from "../lib/table.ts";
import type { Growth, Matrix, Micro, Result, Results } from "./results.ts";

/** What is less steep counts as flat: time grows by the power of that with the amount. */
const STEEP = 0.1;
/** What grows by no more than that over all of the amounts does not grow at all. */
const FLAT = 1.1;

/** Lines of a table. */
export function markdown(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [row(head), row(head.map(() => "---")), ...lines.map(row)].join("\n");
}

/** What each file was made on. */
export function machines({ matrix, growth, micro }: Results): string {
  const all: Result[] = [...matrix, ...(growth ? [growth] : []), ...micro];
  const text = (value: unknown): string => (value === undefined ? "" : String(value));
  return markdown(
    ["results", "run", "commit", "rounds × ms", "cores", "CPU", "load before", "Bun", "Deno"],
    all.map(({ file, mode, machine, rounds, msPerFigure }) => [
      `[${file}](../bench/results/${file})`,
      mode ?? "",
      ...[machine.commit].map(text),
      `${rounds} × ${msPerFigure}`,
      ...[machine.cores, machine.cpu, machine.load, machine.bun, machine.deno].map(text),
    ]),
  );
}

/** Which peers there were, and which were not. */
export function peers({ matrix }: Results): string {
  const names = ["nats", "jetstream", "bullmq", "graphile", "socketio", "socketio_bun", "grpc", "http_proxy"];
  const found = new Map<string, unknown>();
  for (const { machine } of matrix) for (const name of names) if (name in machine) found.set(name, machine[name]);
  const said = (name: string): string => String(found.get(name) ?? "not measured");
  return names.map((name) => `- \`${name}\`: ${said(name)}`).join("\n");
}

/** Where a floor or a goal is missed, the worst first; and what failed. */
export function losses({ matrix, growth }: Results): string {
  const all = matrix.flatMap(({ rows }) => rows.flatMap((row) => row.bounds.map((bound) => ({ row, bound }))));
  const missed = all.filter(({ bound }) => bound.pass === false || bound.goalMet === false);
  const far = ({ value, atMost, floor, goal }: Bound): number => {
    const wanted = goal ?? floor!;
    return atMost ? value / wanted : wanted / value;
  };
  const rank = ({ bound }: (typeof all)[number]): number => (bound.pass === false ? 1e6 : 0) + far(bound);
  missed.sort((a, b) => rank(b) - rank(a));
  const failed = matrix.flatMap(({ cells }) => cells.flatMap(({ errors }) => errors));
  const count = `${all.length - missed.length} of ${all.length} goals are reached; ` +
    `${missed.filter(({ bound }) => bound.pass === false).length} are below their floor.`;
  const lines = missed.map(({ row, bound }) => [
    verdict(bound) === "BELOW" ? "**below the floor**" : "short of the goal",
    `\`${row.figure}\` of \`${row.scenario}\``,
    placeOf(row),
    bound.against === "number" ? number(bound.value) : `${bound.value.toFixed(2)} of ${bound.against}`,
    said(bound).replace(/^\w+: /, ""),
  ]);
  const table = markdown(["", "figure", "store, gateway / clients", "is", "should be"], lines);
  const errors = failed.map((text) => `- ${text.split("\n")[0]}`).join("\n");
  const short = matrix.some(({ mode }) => mode === "short")
    ? "> Some of this is of a short run, on a machine that did other things besides: it shows what there is to see, not more."
    : "";
  const grown = (words: string, isMeant: (one: Growth["series"][number]) => boolean): string => {
    const found = growth?.series.filter(isMeant).map((one) => `${one.name} on ${one.runtime} ×${one.ratio.toFixed(2)}`);
    return found?.length ? `${words}: ${found.join(", ")}.` : "";
  };
  const parts = [
    short,
    count,
    lines.length ? table : "",
    grown(`Grows by a slope of ${STEEP} or more`, ({ slope }) => slope >= STEEP),
    grown(
      "Grows less steeply, but by more than a tenth over all amounts",
      ({ slope, ratio }) => slope < STEEP && ratio > FLAT,
    ),
    errors && `Cells that failed:\n\n${errors}`,
  ];
  return parts.filter(Boolean).join("\n\n");
}

function placeOf({ store, gateway, clients }: Row): string {
  return `${store}, ${gateway} / ${clients}`;
}

/** A table for each scenario of a group. */
export function matrixTables({ rows }: Matrix): string {
  const scenarios = [...new Set(rows.map(({ scenario }) => scenario))];
  return scenarios.map((scenario) => {
    const own = rows.filter((row) => row.scenario === scenario);
    const others = [...new Set(own.flatMap(({ ratios }) => Object.keys(ratios)))] as Fabric[];
    const lines = own.map((row) => [
      `\`${row.figure}\``,
      placeOf(row),
      spread(row.figures.ours, row.spread.ours),
      ...others.map((name) => against(row, name)),
      row.bounds.map((bound) => word(bound)).join("<br>"),
    ]);
    return `### \`${scenario}\`\n\n${markdown(["figure", "store, gateway / clients", "ours", ...others, ""], lines)}`;
  }).join("\n\n");
}

function word(bound: Bound): string {
  const text = said(bound);
  return text.startsWith("BELOW") ? `**${text}**` : text;
}

function spread(value: number | undefined, range: Spread | undefined): string {
  if (value === undefined || value === null) return "";
  return range && range[0] !== range[1] ? `${number(value)} (${number(range[0])}–${number(range[1])})` : number(value);
}

function against({ figures, ratios, ratioSpread }: Row, name: Fabric): string {
  const [value, ratio, range] = [figures[name], ratios[name], ratioSpread[name]];
  if (!Number.isFinite(value) || !Number.isFinite(ratio)) return number(value);
  const around = range && range[0] !== range[1] ? `, ${range[0].toFixed(2)}–${range[1].toFixed(2)}` : "";
  return `${number(value)}, **×${ratio!.toFixed(2)}**${around}`;
}

/** Slopes. */
export function growthTable({ series }: Growth): string {
  const lines = series.map(({ name, runtime, of, points, ratio, slope }) => [
    name,
    runtime,
    of,
    points.map(({ at, us }) => `${at.toLocaleString("en-US")}: ${us.toFixed(2)}`).join(", "),
    `×${ratio.toFixed(2)}`,
    slope >= STEEP ? `**${slope.toFixed(3)}**` : slope.toFixed(3),
  ]);
  return markdown(["what", "runtime", "grows with", "µs an operation", "most to least", "slope"], lines);
}

/** Parts by themselves, runtimes side by side. */
export function microTable(micro: readonly Micro[]): string {
  const names = [...new Set(micro.flatMap(({ rows }) => rows.map(({ name }) => name)))];
  const head = ["part", ...micro.flatMap(({ runtime }) => [`ns, ${runtime}`, "to the control (spread)"])];
  const lines = names.map((name) => [
    `\`${name}\``,
    ...micro.flatMap(({ rows }) => {
      const row = rows.find((one) => one.name === name);
      if (!row) return ["", ""];
      const [least, most] = row.ratioSpread;
      return [number(row.ns), `×${row.ratio.toFixed(2)} (${least.toFixed(2)}–${most.toFixed(2)})`];
    }),
  ]);
  return markdown(head, lines);
}
