/** Plots without a library: bars of ratios, and lines of growth. Colours suit light and dark pages. */
import type { Series } from "../lib/growth.ts";

const STYLE = `<style>
svg{color-scheme:light dark;font:11px ui-sans-serif,system-ui,sans-serif}
text{fill:#1f2937}.dim{fill:#6b7280}.title{font-weight:600;font-size:13px}
rect.ours{fill:#93c5fd}rect.other{fill:#c4b5fd}rect.native{fill:#d1d5db}rect.all{fill:#e5e7eb}
rect.goal{fill:#34d399}rect.pass{fill:#60a5fa}rect.below{fill:#f87171}rect.plain{fill:#9ca3af}
.axis{stroke:#9ca3af;stroke-width:1}.one{stroke:#111827;stroke-width:1;stroke-dasharray:3 3}.spread{stroke:#374151;stroke-width:1.5}
.mark{stroke:#d97706;stroke-width:2}
.l0{stroke:#2563eb;fill:#2563eb}.l1{stroke:#d97706;fill:#d97706}.l2{stroke:#059669;fill:#059669}.l3{stroke:#db2777;fill:#db2777}
.l4{stroke:#7c3aed;fill:#7c3aed}.l5{stroke:#0891b2;fill:#0891b2}.l6{stroke:#65a30d;fill:#65a30d}.l7{stroke:#6b7280;fill:#6b7280}
path.line{fill:none;stroke-width:1.8}text.key{stroke:none}
@media (prefers-color-scheme:dark){text{fill:#e5e7eb}.dim{fill:#9ca3af}.one{stroke:#f9fafb}.spread{stroke:#d1d5db}
rect.ours{fill:#1d4ed8}rect.other{fill:#6d28d9}rect.native{fill:#4b5563}rect.all{fill:#374151}
rect.goal{fill:#059669}rect.pass{fill:#2563eb}rect.below{fill:#dc2626}rect.plain{fill:#6b7280}}
</style>`;

/** The frame of a picture. */
export function svg(width: number, height: number, inner: string): string {
  const size = `viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img">\n${STYLE}\n${inner}\n</svg>\n`;
}

/** Text as it may stand in XML. */
export function escape(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
}

/** One bar: how many times as good as the other one is. */
export interface Bar {
  readonly name: string;
  /** Over 1 is better, whatever the figure. */
  readonly value: number;
  readonly spread?: readonly [least: number, most: number];
  readonly goal?: number;
  readonly kind: "goal" | "pass" | "below" | "plain";
}

const LABELS = 400;
const PLOT = 440;

/** Bars on a logarithmic axis: to the right of 1 is better than the other. */
export function bars(title: string, all: readonly Bar[]): string {
  const values = all.flatMap(({ value, spread, goal }) => [value, ...(spread ?? []), goal ?? value])
    .filter((value) => value > 0 && Number.isFinite(value));
  const low = Math.min(0.5, ...values) / 1.15;
  const high = Math.max(2, ...values) * 1.15;
  const x = (value: number): number => LABELS + (Math.log(Math.max(value, low) / low) / Math.log(high / low)) * PLOT;
  const out = [`<text class="title" x="4" y="18">${escape(title)}</text>`];
  const height = 60 + all.length * 20;
  for (const tick of [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100]) {
    if (tick < low || tick > high) continue;
    const at = x(tick).toFixed(1);
    out.push(
      `<line class="${tick === 1 ? "one" : "axis"}" opacity="${
        tick === 1 ? 1 : 0.35
      }" x1="${at}" x2="${at}" y1="34" y2="${height - 8}"/>`,
    );
    out.push(`<text class="dim" x="${at}" y="31" text-anchor="middle">×${tick}</text>`);
  }
  all.forEach(({ name, value, spread, goal, kind }, index) => {
    const y = 40 + index * 20;
    const [from, to] = value >= 1 ? [x(1), x(value)] : [x(value), x(1)];
    out.push(`<text x="${LABELS - 8}" y="${y + 11}" text-anchor="end">${escape(name)}</text>`);
    out.push(
      `<rect class="${kind}" x="${from.toFixed(1)}" y="${y}" width="${
        Math.max(1, to - from).toFixed(1)
      }" height="14"/>`,
    );
    if (spread) {
      out.push(
        `<line class="spread" x1="${x(spread[0]).toFixed(1)}" x2="${x(spread[1]).toFixed(1)}" y1="${y + 7}" y2="${
          y + 7
        }"/>`,
      );
    }
    if (goal) {
      out.push(
        `<line class="mark" x1="${x(goal).toFixed(1)}" x2="${x(goal).toFixed(1)}" y1="${y - 2}" y2="${y + 16}"/>`,
      );
    }
    out.push(`<text x="${LABELS + PLOT + 8}" y="${y + 11}">×${value.toFixed(2)}</text>`);
  });
  return svg(LABELS + PLOT + 70, height, out.join("\n"));
}

const W = 560;
const H = 260;
const LEFT = 60;

/** Lines of time per operation, both axes logarithmic: what is flat does not depend on how much there is. */
export function lines(title: string, all: readonly Series[]): string {
  const points = all.flatMap(({ points }) => points);
  const [xs, ys] = [points.map(({ at }) => Math.log10(at)), points.map(({ us }) => Math.log10(us))];
  const [x0, x1] = [Math.min(...xs), Math.max(...xs)];
  const [y0, y1] = [Math.floor(Math.min(...ys)), Math.ceil(Math.max(...ys))];
  const x = (at: number): number => LEFT + ((Math.log10(at) - x0) / Math.max(1, x1 - x0)) * (W - LEFT - 20);
  const y = (us: number): number => 40 + (1 - (Math.log10(us) - y0) / Math.max(1, y1 - y0)) * (H - 80);
  const out = [`<text class="title" x="4" y="18">${escape(title)}</text>`];
  for (let power = y0; power <= y1; power++) {
    const at = y(10 ** power).toFixed(1);
    out.push(`<line class="axis" opacity="0.35" x1="${LEFT}" x2="${W - 20}" y1="${at}" y2="${at}"/>`);
    out.push(
      `<text class="dim" x="${LEFT - 6}" y="${Number(at) + 4}" text-anchor="end">${
        power < 0 ? (10 ** power).toFixed(-power) : 10 ** power
      } µs</text>`,
    );
  }
  for (const at of new Set(points.map(({ at }) => at))) {
    out.push(
      `<text class="dim" x="${x(at).toFixed(1)}" y="${H - 22}" text-anchor="middle">${
        at.toLocaleString("en-US")
      }</text>`,
    );
  }
  out.push(
    `<text class="dim" x="${(W + LEFT) / 2}" y="${H - 6}" text-anchor="middle">${escape(all[0]?.of ?? "")}</text>`,
  );
  all.forEach(({ name, runtime, points, slope }, index) => {
    const path = points.map(({ at, us }, step) => `${step ? "L" : "M"}${x(at).toFixed(1)} ${y(us).toFixed(1)}`).join(
      "",
    );
    out.push(`<path class="line l${index % 8}" style="fill:none" d="${path}"/>`);
    for (const { at, us } of points) {
      out.push(`<circle class="l${index % 8}" r="2.5" cx="${x(at).toFixed(1)}" cy="${y(us).toFixed(1)}"/>`);
    }
    const row = 40 + index * 16;
    out.push(`<line class="l${index % 8}" stroke-width="3" x1="${W}" x2="${W + 16}" y1="${row}" y2="${row}"/>`);
    out.push(`<text x="${W + 22}" y="${row + 4}">${escape(name)}, ${runtime}: slope ${slope.toFixed(3)}</text>`);
  });
  return svg(W + 300, H, out.join("\n"));
}
