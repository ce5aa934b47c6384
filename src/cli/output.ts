// The only place that writes to the terminal.
import process from "node:process";
import { readEnv } from "./env.ts";

/** How a command speaks: text for people or NDJSON events for programs, never both. */
export interface Output {
  /** Whether events are printed instead of text. */
  readonly isJson: boolean;
  /** Whether a line can change. */
  readonly isTerminal: boolean;
  /** A line for people. */
  line(text?: string): void;
  /** An event for programs. */
  event(name: string, fields?: Record<string, unknown>): void;
  /** What went wrong, for either. */
  error(message: string): void;
  /** How far something is; one line that changes on a terminal, else a line at every tenth. */
  progress(label: string, done: number, total: number): void;
  /** A line that changes, on a terminal; nothing elsewhere. */
  status(text: string): void;
  /** How far something is, as a bar. */
  bar(done: number, total: number): string;
  bold(text: string): string;
  dim(text: string): string;
  /** Resolves when all is written. */
  flush(): Promise<void>;
}

const BAR = 24;

/** Makes the output of a command. */
export function createOutput(isJson: boolean): Output {
  const { stdout, stderr } = process;
  const isTerminal = Boolean(stdout.isTTY) && readEnv("TERM") !== "dumb" && !isJson;
  const hasColor = isTerminal && readEnv("NO_COLOR") === undefined;
  const paint = (code: number) => (text: string): string => hasColor ? `\x1b[${code}m${text}\x1b[0m` : text;
  const [bold, dim] = [paint(1), paint(2)];
  // Whoever reads may leave early, as `| head` does; that is no reason for a stack trace.
  stdout.on("error", (error: { code?: string }) => process.exit(error.code === "EPIPE" ? 0 : 1));
  let isOpen = false;
  let tenth = -1;
  const endProgress = (): void => {
    if (isOpen) stdout.write("\r\x1b[2K");
    isOpen = false;
  };
  const event = (name: string, fields: Record<string, unknown> = {}): void => {
    if (isJson) stdout.write(`${JSON.stringify({ event: name, ...fields })}\n`);
  };
  const bar = (done: number, total: number): string => {
    const full = Math.round((done * BAR) / total);
    return `${"█".repeat(full)}${dim("░".repeat(BAR - full))}`;
  };
  const status = (text: string): void => {
    if (!isTerminal) return;
    isOpen = true;
    stdout.write(`\r\x1b[2K${text}`);
  };
  return {
    isJson,
    isTerminal,
    bar,
    status,
    event,
    line(text = "") {
      endProgress();
      if (!isJson) stdout.write(`${text}\n`);
    },
    error(message) {
      endProgress();
      if (isJson) event("error", { message });
      else stderr.write(`aether: ${message}\n`);
    },
    progress(label, done, total) {
      if (done === total && isTerminal) return endProgress();
      const now = Math.floor((done * 10) / total);
      if (isTerminal) return status(`${label} ${bar(done, total)} ${done} of ${total}`);
      if (now === tenth) return;
      tenth = now;
      if (isJson) event("progress", { done, total });
      else stdout.write(`${label} ${String(now * 10).padStart(3)} %  ${done} of ${total}\n`);
    },
    bold,
    dim,
    flush: () => new Promise((resolve) => void stdout.write("", () => resolve())),
  };
}
