/** A flame graph as SVG, from the top down. */
import type { Frame, Reading } from "../lib/profile.ts";
import { escape, svg } from "./svg.ts";

const WIDTH = 1000;
const ROW = 17;
const TOP = 26;
/** Narrower than that nothing can be read. */
const LEAST = 1.2;
const LETTER = 6.1;

/** Widths are shares of the busy time; each box says its name and share when it is pointed at. */
export function flame({ root, busy }: Reading, title: string): string {
  const boxes: string[] = [];
  let depth = 0;
  const draw = (frame: Frame, x: number, row: number): void => {
    const width = (frame.us / root.us) * WIDTH;
    if (width < LEAST) return;
    depth = Math.max(depth, row);
    const y = TOP + row * ROW;
    const share = ((100 * frame.us) / root.us).toFixed(1);
    const kind = row === 0 ? "all" : frame.isOurs ? frame.name.includes(" src/") ? "ours" : "other" : "native";
    const room = Math.floor((width - 4) / LETTER);
    const label = room > 3
      ? `<text x="${(x + 3).toFixed(1)}" y="${y + 12}">${escape(cut(frame.name, room))}</text>`
      : "";
    boxes.push(
      `<g><title>${escape(frame.name)}: ${share} %</title>` +
        `<rect class="${kind}" x="${x.toFixed(1)}" y="${y}" width="${(width - 0.5).toFixed(1)}" height="${ROW - 1}"/>` +
        `${label}</g>`,
    );
    let at = x;
    for (const child of [...frame.children.values()].sort((a, b) => b.us - a.us)) {
      draw(child, at, row + 1);
      at += (child.us / root.us) * WIDTH;
    }
  };
  draw(root, 0, 0);
  const height = TOP + (depth + 1) * ROW + 4;
  const head = `<text class="title" x="2" y="16">${escape(title)}, busy ${Math.round(100 * busy)} % of the time</text>`;
  return svg(WIDTH, height, `${head}\n${boxes.join("\n")}`);
}

function cut(text: string, room: number): string {
  return text.length <= room ? text : `${text.slice(0, room - 1)}…`;
}
