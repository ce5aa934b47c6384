// edge: no Deno, Bun, node: or cloudflare: names

/** What a progress report is about; numbers are those of the older system. */
export const ProgressKind = { Chat: 1, App: 2, Task: 3 } as const;
/** One of {@link ProgressKind}'s values. */
export type ProgressKind = (typeof ProgressKind)[keyof typeof ProgressKind];

/** How far a piece of work is. */
export interface ProgressReport {
  /** The task it belongs to; free text for work that is no task of the gateway's. */
  taskId?: string;
  /** Free text such as "running", "finishing", "idle". */
  state?: string;
  /** 0 to 1, or -1 when it cannot be told. */
  completion?: number;
  /** For people. */
  summary?: string;
  /** The step it is in. */
  stepName?: string;
  /** What it does there. */
  stepDetail?: string;
  /** Which step of how many, from 1. */
  stepSequence?: number;
  /** How many steps. */
  stepTotal?: number;
  /** What kind of step. */
  stepType?: string;
  /** Who is to hear it: `us::user::window`, `us::user`, any identity's topic; empty for all users and agents of the workspace. */
  recipient?: string;
  /** Joins it to a request. */
  requestId?: string;
  /** Texts beside it. */
  metadata?: Record<string, string>;
  /** What it is about. */
  kind?: ProgressKind;
}

/** A report as it is heard. */
export interface ProgressUpdate extends ProgressReport {
  /** Topic of who reported. */
  sourceTopic: string;
  /** Its workspace. */
  workspace: string;
  /** When the gateway took it, ms since epoch. */
  timestampMs: number;
}
