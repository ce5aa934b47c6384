// edge: no Deno, Bun, node: or cloudflare: names

/** Who shares a key. Numbers are those of the older system. */
export const KVScope = {
  /** Everybody. */
  Global: 1,
  /** Everybody in a workspace; what is meant when no scope is given. */
  Workspace: 2,
  /** This identity alone, for one user. */
  User: 3,
  /** This identity alone, for one user in one workspace. */
  UserWorkspace: 4,
  /** This identity alone, whatever the workspace. */
  GlobalExclusive: 5,
  /** This identity alone, in one workspace. */
  WorkspaceExclusive: 6,
  /** Everybody, for one user. */
  UserShared: 7,
  /** Everybody, for one user in one workspace. */
  UserWorkspaceShared: 8,
} as const;
/** One of {@link KVScope}'s values. */
export type KVScope = (typeof KVScope)[keyof typeof KVScope];

/** Where a key lies. */
export interface KvPlace {
  /** Who shares it; the workspace by default. */
  scope?: KVScope;
  /** Which user; for the four user scopes. */
  userId?: string;
  /** Which workspace; the caller's own by default. */
  workspace?: string;
}

/** What a key holds. */
export interface KvState {
  /** Whether it is there. */
  found: boolean;
  /** Its bytes; a counter's are its decimal digits. */
  value?: Uint8Array;
  /** Its revision; 0 when it is not there. */
  revision: number;
}

/** What became of a conditional operation, and what the key holds now. */
export interface KvOutcome extends KvState {
  /** Whether it was done. */
  applied: boolean;
  /** The counter, or how many members the set has. */
  count?: number | bigint;
}

/** A condition on what a key holds now: its bytes, its revision, or that it is not there. */
export interface KvCondition {
  /** The bytes it must hold. */
  expected?: Uint8Array;
  /** The revision it must have; 0 for not there. */
  ifRevision?: number;
}

/** One entry of a list. */
export interface KvEntry {
  /** The key. */
  key: string;
  /** Its bytes. */
  value: Uint8Array;
  /** Its revision. */
  revision: number;
}

/** One change of a watched key. */
export interface KvChangeEvent {
  /** The key. */
  key: string;
  /** Its bytes; undefined when it was removed or its time was over. */
  value?: Uint8Array;
  /** Revision of the change. */
  revision: number;
}
