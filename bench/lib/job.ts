/** What a client process is told, as one argument of JSON. */

/** One cell, seen from its clients. */
export interface Job {
  /** A scenario's name, with what it is told after a colon. */
  readonly scenario: string;
  readonly fabric: string;
  readonly url: string;
  /** Where the server tells its memory; empty for a server that is not ours. */
  readonly meter: string;
  /** The server process; 0 when there is none. */
  readonly pid: number;
  readonly ms: number;
  readonly bootMs: number;
}

/** Splits a scenario's name into its file and what that is told. */
export function parts(scenario: string): { file: string; option: string } {
  const [file, option = ""] = scenario.split(":");
  return { file, option };
}
