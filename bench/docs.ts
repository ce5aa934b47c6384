/**
 * Makes docs/benchmarks.md and the pictures beside it from what lies in bench/results/: `npm run bench:docs`. Its words are
 * in bench/docs/template.md; `{{name}}` there is what a function here says. `RESULTS=<folder>` and `DOCS=<folder>`.
 */
import fs from "node:fs";
import process from "node:process";
import { load, type Results } from "./docs/results.ts";
import { type Bar, bars, lines } from "./docs/svg.ts";
import { growthTable, losses, machines, matrixTables, microTable, peers } from "./docs/tables.ts";
import { type Row, verdict } from "./lib/report.ts";
import { sizeLine } from "./size.ts";

const folder = (name: string, fallback: string): URL =>
  process.env[name] ? new URL(`file://${process.env[name]}/`) : new URL(fallback, import.meta.url);
const results: Results = load(folder("RESULTS", "results/"));
const docs = folder("DOCS", "../docs/");
const pictures = new URL("bench/", docs);
fs.mkdirSync(pictures, { recursive: true });

const NONE = "Not measured yet.";
const TITLES: Record<string, string> = {
  fabric: "Messages, requests, fan-out, memory",
  grid: "Relay by size, window and receipts; fan-out to a thousand",
  state: "What is kept: durable sends, key-value store, watches",
  tasks: "Tasks and worker isolates",
  http: "HTTP",
  life: "Resume, slow consumers, cold start, ten thousand idle connections",
};
const says: Record<string, () => string> = {
  machines: () => machines(results),
  peers: () => peers(results),
  losses: () => losses(results),
  groups,
  growth,
  micro: () => (results.micro.length ? microTable(results.micro) : NONE),
  flames,
  size: () => {
    const size = results.matrix.find(({ size }) => size)?.size;
    return size ? sizeLine(size) : NONE;
  },
  guard,
};

const template = fs.readFileSync(new URL("docs/template.md", import.meta.url), "utf8");
const text = template.replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
  const say = says[name];
  if (!say) throw new Error(`The template asks for {{${name}}}, which nothing says`);
  return say();
});
fs.writeFileSync(new URL("benchmarks.md", docs), text);
console.log(`docs/benchmarks.md: ${text.split("\n").length} lines, from ${results.matrix.length} groups`);

function groups(): string {
  if (results.matrix.length === 0) return NONE;
  return results.matrix.map((group) => {
    const all = group.rows.flatMap(barsOf);
    if (all.length > 0) draw(`${group.group}.svg`, bars(`${TITLES[group.group]}: times as good as the other`, all));
    const picture = all.length > 0 ? `![Ratios of ${group.group}](bench/${group.group}.svg)\n\n` : "";
    return `## ${TITLES[group.group] ?? group.group}\n\n${picture}${matrixTables(group)}`;
  }).join("\n\n");
}

/** A bar for every ratio with a floor or a goal, and for rates against the control or a peer where there is none. */
function barsOf(row: Row): Bar[] {
  const where = `${row.scenario} ${row.gateway}/${row.clients}${row.store === "sqlite" ? " sqlite" : ""}`;
  const held = row.bounds.filter(({ against }) => against !== "number").map((bound): Bar => {
    const { against, atMost, value, goal } = bound;
    const spread = row.ratioSpread[against as keyof Row["ratioSpread"]];
    const better = (ratio: number): number => (atMost ? 1 / ratio : ratio);
    const said = verdict(bound);
    return {
      name: `${where} ${row.figure} : ${against}`,
      value: better(value),
      spread: spread && [better(spread[0]), better(spread[1])],
      goal: goal && better(goal),
      kind: said === "goal" ? "goal" : said === "BELOW" ? "below" : "pass",
    };
  });
  if (held.length > 0 || !row.figure.endsWith("_per_s")) return held;
  return (Object.entries(row.ratios) as [keyof Row["ratioSpread"], number][]).map(([against, value]) => ({
    name: `${where} ${row.figure} : ${against}`,
    value,
    spread: row.ratioSpread[against],
    kind: "plain",
  }));
}

function growth(): string {
  if (!results.growth) return NONE;
  const kinds = [...new Set(results.growth.series.map(({ of }) => of))];
  const images = kinds.map((of) => {
    const name = `growth-${of.replace(/\W+/g, "-")}.svg`;
    draw(name, lines(`Time of one operation by ${of}`, results.growth!.series.filter((one) => one.of === of)));
    return `![Growth with ${of}](bench/${name})`;
  });
  return `${images.join("\n\n")}\n\n${growthTable(results.growth)}`;
}

function flames(): string {
  const names = fs.readdirSync(pictures).filter((name) => /^flame-.*\.txt$/.test(name)).sort();
  if (names.length === 0) return NONE;
  return names.map((name) => {
    const picture = name.replace(/\.txt$/, ".svg");
    const said = fs.readFileSync(new URL(name, pictures), "utf8").trimEnd();
    return `[![Flame graph](bench/${picture})](bench/${picture})\n\n\`\`\`text\n${said}\n\`\`\``;
  }).join("\n\n");
}

function guard(): string {
  const file = new URL("guard.json", import.meta.url);
  if (!fs.existsSync(file)) return NONE;
  const { from, margin, bounds } = JSON.parse(fs.readFileSync(file, "utf8")) as {
    from: { date: string; commit: string };
    margin: number;
    bounds: readonly unknown[];
  };
  return `${bounds.length} ratios of ${from.date}, commit ${from.commit}; one that is more than ${margin} times as bad, ` +
    "three times in a row, fails the tests. CI runs the micro suite and every cell of the short run, and holds those that have a control against it.";
}

function draw(name: string, picture: string): void {
  fs.writeFileSync(new URL(name, pictures), picture);
}
