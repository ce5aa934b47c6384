// edge: no Deno, Bun, node: or cloudflare: names
/** Counts since the gateway was made; `/metrics` shows them. */
export class Counters {
  /** Messages taken from clients. */
  messagesIn = 0;
  /** Messages handed to clients. */
  messagesOut = 0;
  /** Messages that were repeats. */
  duplicates = 0;
  /** Messages refused. */
  rejected = 0;
  /** Requests passed on. */
  requests = 0;
  /** Operations asked for. */
  calls = 0;
  /** Streams joined: HTTP requests and tunnels. */
  streams = 0;
  /** Tasks made. */
  tasks = 0;
  /** Tasks that are over. */
  tasksOver = 0;
  /** Connections welcomed. */
  connects = 0;
  /** Sessions resumed. */
  resumes = 0;
  /** Connections refused. */
  refusals = 0;
  /** Gaps said to clients. */
  gaps = 0;

  /** Prometheus text (exposition format 0.0.4). */
  prometheus(sessions: number, connected: number): string {
    const lines: string[] = [];
    const row = (name: string, type: "counter" | "gauge", help: string, value: number): void => {
      lines.push(`# HELP aether_${name} ${help}`, `# TYPE aether_${name} ${type}`, `aether_${name} ${value}`);
    };
    row("active_connections", "gauge", "Clients with a live socket.", connected);
    row("sessions", "gauge", "Sessions, with or without a socket.", sessions);
    row("messages_received_total", "counter", "Messages taken from clients.", this.messagesIn);
    row("messages_routed_total", "counter", "Messages handed to clients.", this.messagesOut);
    row("messages_duplicate_total", "counter", "Messages whose id had been taken before.", this.duplicates);
    row("messages_rejected_total", "counter", "Messages refused.", this.rejected);
    row("requests_total", "counter", "Requests passed on.", this.requests);
    row("streams_total", "counter", "HTTP requests and tunnels joined.", this.streams);
    row("calls_total", "counter", "Operations asked for.", this.calls);
    row("tasks_created_total", "counter", "Tasks made.", this.tasks);
    row("tasks_over_total", "counter", "Tasks that are over.", this.tasksOver);
    row("connects_total", "counter", "Connections welcomed.", this.connects);
    row("resumes_total", "counter", "Sessions resumed.", this.resumes);
    row("refusals_total", "counter", "Connections refused.", this.refusals);
    row("gaps_total", "counter", "Gaps said to clients.", this.gaps);
    return lines.join("\n") + "\n";
  }
}
