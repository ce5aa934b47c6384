/** What a CPU profile says: who is busy by itself, and under whom. */

interface Node {
  readonly id: number;
  readonly children?: readonly number[];
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
}
/** A `.cpuprofile`, as V8 and Bun write it. */
export interface Profile {
  readonly nodes: readonly Node[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** A function in the tree, with its time and that of what it called, in µs. */
export interface Frame {
  readonly name: string;
  /** Whether it is a file of ours rather than the runtime's. */
  readonly isOurs: boolean;
  us: number;
  readonly children: Map<string, Frame>;
}

/** A profile that was read. */
export interface Reading {
  /** Share of the time in which it did anything. */
  readonly busy: number;
  /** Self time by function, the greatest first: shares of the busy time. */
  readonly selves: readonly (readonly [name: string, share: number])[];
  readonly root: Frame;
}

const RESTS = /^\((idle|program|root)\)/;

/** What waits is left out. What the runtime itself does is told with whoever called it. */
export function read({ nodes, samples, timeDeltas }: Profile): Reading {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap((node) => (node.children ?? []).map((id) => [id, node] as const)));
  const isOurs = ({ callFrame: { url } }: Node): boolean => url.includes("/");
  const plainOf = (node: Node): string => {
    const { functionName, url, lineNumber } = node.callFrame;
    const own = functionName || "(anonymous)";
    if (!isOurs(node)) return own;
    return `${own} ${url.replace(/^.*\/(?=(src|node_modules|bench)\/)/, "")}:${lineNumber + 1}`;
  };
  const nameOf = (node: Node): string => {
    const own = plainOf(node);
    if (isOurs(node) || own.startsWith("(")) return own;
    let caller = parents.get(node.id);
    while (caller && !isOurs(caller)) caller = parents.get(caller.id);
    return caller ? `${own} < ${plainOf(caller)}` : own;
  };
  const pathOf = (node: Node): Node[] => {
    const path: Node[] = [];
    for (let at: Node | undefined = node; at; at = parents.get(at.id)) path.unshift(at);
    return path.filter((one) => !RESTS.test(plainOf(one)));
  };
  const paths = new Map(nodes.map((node) => [node.id, pathOf(node)]));
  const selves = new Map<string, number>();
  const root: Frame = { name: "all", isOurs: false, us: 0, children: new Map() };
  let total = 0;
  samples.forEach((id, at) => {
    const us = timeDeltas[at];
    const node = byId.get(id)!;
    total += us;
    if (RESTS.test(plainOf(node))) return;
    const name = nameOf(node);
    selves.set(name, (selves.get(name) ?? 0) + us);
    let frame = root;
    root.us += us;
    for (const one of paths.get(id)!) {
      const own = plainOf(one);
      let child = frame.children.get(own);
      if (!child) frame.children.set(own, child = { name: own, isOurs: isOurs(one), us: 0, children: new Map() });
      child.us += us;
      frame = child;
    }
  });
  const sorted = [...selves].sort(([, a], [, b]) => b - a);
  return { busy: root.us / total, selves: sorted.map(([name, us]) => [name, us / root.us] as const), root };
}
