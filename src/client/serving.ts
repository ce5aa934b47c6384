// edge: no Deno, Bun, node: or cloudflare: names
import type { OpInput } from "../protocol/ops.ts";
import { assignmentOf, type TaskAssignment } from "../protocol/task_assignment.ts";
import type { RevokeKind, TaskRevocation } from "../protocol/tasks.ts";
import { heard } from "../session/link.ts";
import type { Session } from "../session/session.ts";

/** Makes an attempt stop. */
export type StopAttempt = (kind: RevokeKind, reason: string) => void;

/** An attempt that is worked on here. */
export interface Attempt {
  readonly attempt: number;
  stop: StopAttempt;
}

/** A session's offer to work on tasks. */
export interface Serving {
  /** Attempts that are worked on here, by task. */
  readonly running: Map<string, Attempt>;
  /** Says what is offered; with `isAnew` also what is running. */
  announce(isAnew?: boolean): void;
  /** The answer to the last announcement. */
  announced?: Promise<void>;
  /** Takes nothing more; what is running goes on. */
  end(): void;
}

/** What is offered; changes count with the next announcement. */
export type Offer = Omit<OpInput<"task.serve">, "running">;

const servings = new WeakMap<Session, Serving>();

/** What a session offers now. */
export function servingOf(session: Session): Serving | undefined {
  return servings.get(session);
}

/**
 * Offers to work on tasks: announced once, and again with what is running whenever a new session takes the place of an old
 * one. There is one offer for each session.
 * @param take takes a task and returns how to stop it
 */
export function serve(session: Session, offer: Offer, take: (assignment: TaskAssignment) => StopAttempt): Serving {
  const running: Serving["running"] = new Map();
  const stop = (
    { taskId, attempt, kind, reason }: Pick<TaskRevocation, "taskId" | "attempt"> & Partial<TaskRevocation>,
  ) => {
    const one = running.get(taskId);
    if (one?.attempt === attempt) one.stop(kind ?? "lease_lost", reason ?? "another worker has it");
  };
  const announce = (isAnew = false): void => {
    const own = [...running].map(([taskId, { attempt }]) => ({ taskId, attempt }));
    const said = session.call("task.serve", { ...offer, running: isAnew ? own : undefined });
    serving.announced = heard(session, said.then(({ lost }) => lost.forEach(stop)));
  };
  const sayNow = (): void => {
    if (session.state === "ready") announce();
  };
  const offs = [
    session.onConnect.add(({ resumed }) => resumed || announce(true)),
    session.onNotice.add(({ name, body }) => {
      if (name === "revoke") stop(body);
      if (name !== "assignment") return;
      // Known before it is taken: it may be over by the time that is done.
      const [taskId, , attempt] = body;
      const one: Attempt = { attempt, stop() {} };
      running.set(taskId, one);
      one.stop = take(assignmentOf(body));
    }),
  ];
  const serving: Serving = {
    running,
    announce,
    end() {
      offer.slots = 0;
      sayNow();
      for (const off of offs) off();
      servings.delete(session);
    },
  };
  servings.set(session, serving);
  sayNow();
  return serving;
}
