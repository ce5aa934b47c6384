import fs from "node:fs";

/** A handler begins; it has ended by itself, or was told to stop. `host` holds its connection: its process, or its pool. */
export interface RunLine {
  what: "began" | "ended" | "stopped";
  taskId: string;
  attempt: number;
  pid: number;
  host: number;
  at: number;
}

/** The gateway said that a completion counts, or that what became of an attempt does not. */
export interface AnswerLine {
  what: "accepted" | "refused";
  taskId: string;
  attempt: number;
  host: number;
  at: number;
}

/** A process is killed the moment after this, and its isolates with it. */
export interface KillLine {
  what: "killed";
  pid: number;
  at: number;
}

/** The gateway has been killed, and has not been started again yet. */
export interface GatewayKillLine {
  what: "gateway killed";
  at: number;
}

/** What happened. All processes append to one file: its order is that of what happened, whatever clocks say. */
export type Line = RunLine | AnswerLine | KillLine | GatewayKillLine;

type Unstamped<T> = T extends unknown ? Omit<T, "at"> : never;

/** Appends a line, by one write: a process that is killed leaves it out or has it whole. */
export function note(file: string, line: Unstamped<Line>): void {
  fs.appendFileSync(file, `${JSON.stringify({ ...line, at: Date.now() })}\n`);
}

/** Everything that was noted. */
export function readJournal(file: string): Line[] {
  return fs.readFileSync(file, "utf8").split("\n").filter(Boolean).map((text) => JSON.parse(text) as Line);
}
