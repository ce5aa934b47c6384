// edge: no Deno, Bun, node: or cloudflare: names

/** What a principal finds when it connects or switches its workspace. */
export interface ConfigSnapshot {
  /** The workspace it is of; undefined for principals without one. */
  workspace?: string;
  /** Keys that everybody in the workspace shares. */
  kv: Record<string, Uint8Array>;
  /** Keys that everybody shares. */
  globalKv: Record<string, Uint8Array>;
  /** Keys of this identity alone in the workspace. */
  workspaceExclusiveKv: Record<string, Uint8Array>;
  /** Keys of this identity alone. */
  globalExclusiveKv: Record<string, Uint8Array>;
  /** Keys whose values did not fit; read them one by one. Present only when there are some. */
  omitted?: Partial<Record<"kv" | "globalKv" | "workspaceExclusiveKv" | "globalExclusiveKv", string[]>>;
  /** Maps with more keys than could be named; `kv().list()` has them all. Present only when there are some. */
  incomplete?: ("kv" | "globalKv" | "workspaceExclusiveKv" | "globalExclusiveKv")[];
  /** Why this principal was launched, when a task launched it. */
  taskContext?: Record<string, unknown>;
}

/** The maps of a {@link ConfigSnapshot}. */
export type ConfigMap = keyof NonNullable<ConfigSnapshot["omitted"]>;
