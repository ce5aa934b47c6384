/**
 * Ways to launch a principal that is needed and away, for `BaseOrchestrator.launchTask`.
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { ConnectionError, InvalidArgumentError } from "../errors.ts";
import type { TaskAssignment } from "../protocol/task_assignment.ts";

export type { TaskAssignment } from "../protocol/task_assignment.ts";

/** Launches what an assignment asks for; resolves when it is under way. */
export type Launcher = (assignment: TaskAssignment) => Promise<void>;

/** Options of {@link execLauncher}. */
export interface ExecLauncherOptions {
  /** The program; `launchParams.command` of the registration when left out. */
  command?: string;
  /** Its arguments; `launchParams.args`, split at white space, when left out. */
  args?: readonly string[];
  /** Where it runs. */
  cwd?: string;
  /** The gateway's address, handed on as `AETHER_URL`. */
  address?: string;
  /** Further variables of its environment. */
  env?: Readonly<Record<string, string>>;
  /** Hears what became of each process. */
  onExit?: (assignment: TaskAssignment, code: number | null) => void;
}

/** A launcher and the processes it has started. */
export interface ExecLauncher extends Disposable {
  /** Starts a process for an assignment. */
  (assignment: TaskAssignment): Promise<void>;
  /** Ids of the processes that run. */
  pids(): number[];
  /** Ends them all with SIGTERM. */
  stop(): void;
}

/**
 * Starts a child process for each launch. It finds who it is in `AETHER_WORKSPACE`, `AETHER_IMPLEMENTATION`,
 * `AETHER_SPECIFIER`, and in `AETHER_TASK_TOKEN` what lets it in, as `withTaskToken(…)`.
 */
export function execLauncher(options: ExecLauncherOptions = {}): ExecLauncher {
  const running = new Set<ChildProcess>();
  const launch = (assignment: TaskAssignment): Promise<void> => {
    const { launchParams } = assignment;
    const command = options.command ?? launchParams.command;
    const args = options.args ?? launchParams.args?.split(/\s+/).filter(Boolean) ?? [];
    if (!command) {
      return Promise.reject(
        new InvalidArgumentError("Cannot launch without a command: give it here or as launchParams.command", "command"),
      );
    }
    const child = spawn(command, args, {
      cwd: options.cwd,
      stdio: "inherit",
      env: { ...process.env, ...options.env, ...environmentOf(assignment, options.address) },
    });
    running.add(child);
    child.once("close", (code) => {
      running.delete(child);
      options.onExit?.(assignment, code);
    });
    return new Promise((resolve, reject) => {
      child.once("spawn", () => resolve());
      child.once("error", (cause) => {
        running.delete(child);
        reject(new ConnectionError(`Cannot launch "${command}": ${cause.message}`, { cause }));
      });
    });
  };
  const stop = (): void => {
    for (const child of running) child.kill("SIGTERM");
  };
  const pids = (): number[] => [...running].map(({ pid }) => pid).filter((pid) => pid !== undefined);
  return Object.assign(launch, { pids, stop, [Symbol.dispose]: stop });
}

function environmentOf(assignment: TaskAssignment, address: string | undefined): Record<string, string> {
  const { workspace, targetImplementation, specifier = "", launchParams, taskId } = assignment;
  const env: Record<string, string> = {
    AETHER_WORKSPACE: workspace,
    AETHER_IMPLEMENTATION: targetImplementation,
    AETHER_SPECIFIER: specifier,
    AETHER_TASK_ID: taskId,
  };
  if (launchParams.auth_token) env.AETHER_TASK_TOKEN = launchParams.auth_token;
  if (address) env.AETHER_URL = address;
  return env;
}

/** Options of {@link webhookLauncher}. */
export interface WebhookLauncherOptions {
  /** Where to post; `launchParams.url` of the registration when left out. */
  url?: string;
  /** Headers that go with it. */
  headers?: Readonly<Record<string, string>>;
  /** How long to wait for the answer, in ms; 10 000 when left out. */
  timeoutMs?: number;
}

/** Posts each launch as JSON; any answer of 200 to 299 says that it is under way, anything else that it failed. */
export function webhookLauncher(options: WebhookLauncherOptions = {}): Launcher {
  return async ({ taskId, workspace, targetImplementation: implementation, specifier, profile, launchParams }) => {
    const url = options.url ?? launchParams.url;
    if (!url) throw new InvalidArgumentError("Cannot launch without a url: give it here or as launchParams.url", "url");
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", ...options.headers },
      body: JSON.stringify({ taskId, workspace, implementation, specifier, profile, launchParams }),
      signal: AbortSignal.timeout(options.timeoutMs ?? 10_000),
    });
    await response.body?.cancel();
    if (!response.ok) throw new ConnectionError(`Cannot launch: ${new URL(url).host} answered ${response.status}`);
  };
}
