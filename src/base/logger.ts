// edge: no Deno, Bun, node: or cloudflare: names
/** How severe a log line is. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Receives what the library has to say; the default says nothing. */
export type Logger = (level: LogLevel, event: string, fields?: Record<string, unknown>) => void;

/** Says nothing. */
export const silent: Logger = () => {};

/** One JSON line per event to the console, from the given level up. */
export function consoleLogger(from: LogLevel = "info"): Logger {
  const order: LogLevel[] = ["debug", "info", "warn", "error"];
  return (level, event, fields) => {
    if (order.indexOf(level) < order.indexOf(from)) return;
    console.error(JSON.stringify({ level, event, ...fields }));
  };
}
