/** Words that help whoever has mistyped a name. */
export function didYouMean(word: string, names: string[]): string {
  const near = nearest(word, names);
  return near === undefined ? `: there are ${names.join(", ")}` : `, did you mean "${near}"?`;
}

/** The name that was probably meant; undefined when none is near. */
export function nearest(word: string, names: string[]): string | undefined {
  const bare = word.replace(/^-+/, "").toLowerCase();
  let best: string | undefined;
  let least = Math.max(1, Math.floor(bare.length / 3)) + 1;
  for (const name of names) {
    const target = name.replace(/^-+/, "");
    const isStart = bare.length >= 2 && target.startsWith(bare);
    const away = isStart ? 0 : distance(bare, target);
    if (away < least) [best, least] = [name, away];
  }
  return best;
}

/** Letters to add, drop, change or swap with their neighbour. */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, index) => index)];
  for (let i = 1; i <= a.length; i++) {
    rows[i] = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = rows[i - 1][j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      rows[i][j] = Math.min(change, rows[i - 1][j] + 1, rows[i][j - 1] + 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) rows[i][j] = Math.min(rows[i][j], rows[i - 2][j - 2] + 1);
    }
  }
  return rows[a.length][b.length];
}
