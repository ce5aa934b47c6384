// edge: no Deno, Bun, node: or cloudflare: names
import type { ConnectionInfo, HealthInfo } from "./admin.ts";
import type { AgentRegistration, Undeliverable } from "./agents.ts";
import type { AuditEvent, AuditQuery, AuditRecord, AuditSubmitResponse } from "./audit.ts";
import type { ConfigSnapshot } from "./config.ts";
import type { KvChangeEvent, KvCondition, KvEntry, KvOutcome, KvPlace, KvState } from "./kv.ts";
import type { HttpRules } from "./http.ts";
import type { Gap, Signal } from "./messages.ts";
import type { Identity, PrincipalType } from "./principals.ts";
import type { ProgressReport, ProgressUpdate } from "./progress.ts";
import type { AssignmentNotice } from "./task_assignment.ts";
import type { TaskStatus } from "./task_states.ts";
import type {
  NewTask,
  PoolInfo,
  TaskEvent,
  TaskEventBody,
  TaskFilter,
  TaskInfo,
  TaskOutcome,
  TaskRevocation,
  TaskWait,
} from "./tasks.ts";

type Key = KvPlace & { key: string };
/** Seconds; 0 or left out for no end. */
type Ttl = { ttl?: number };

/** A task whose checkpoint it is, rather than the caller's own; its worker's to use. */
type Owner = { taskId?: string };

/** A checkpoint as it is stored. */
export interface CheckpointInfo {
  /** Its name. */
  key: string;
  /** Bytes. */
  size: number;
  /** When it was saved, ms since epoch. */
  savedAt: number;
  /** Grows with every save. */
  revision: number;
}

/** Every operation a client may have the gateway do: what goes in, what comes out. Both ends compile against it. */
export interface OpMap {
  /** Says what the caller takes by HTTP, instead of what it said before; a draining one is given nothing new. */
  "http.serve": { in: HttpRules & { isDraining?: boolean }; out: null };
  "kv.get": { in: Key; out: KvState };
  "kv.put": { in: Key & Ttl & { value: Uint8Array }; out: { revision: number } };
  "kv.delete": { in: Key; out: { found: boolean; revision: number } };
  "kv.list": {
    in: KvPlace & { prefix?: string; cursor?: string; limit?: number };
    out: { entries: KvEntry[]; nextCursor?: string };
  };
  /** Adds to a counter; with a bound only when the result keeps it. */
  "kv.add": {
    in: Key & Ttl & { delta: number | bigint; atMost?: number | bigint; atLeast?: number | bigint };
    out: KvOutcome;
  };
  "kv.putIf": { in: Key & Ttl & KvCondition & { value: Uint8Array }; out: KvOutcome };
  "kv.deleteIf": { in: Key & KvCondition; out: KvOutcome };
  "kv.setAdd": { in: Key & Ttl & { member: Uint8Array }; out: KvOutcome };
  "kv.setCard": { in: Key; out: KvOutcome };
  /**
   * Changes after a revision or the cursor of the answer before, oldest first; waits until there is one. `gap` says that
   * removals before may be missing, and the changes begin anew.
   */
  "kv.changes": {
    in: KvPlace & { key?: string; prefix?: string; after?: number; cursor?: string; limit?: number };
    out: { changes: KvChangeEvent[]; cursor: string; gap?: boolean };
  };
  /** One part of a checkpoint; with the last one it takes the place of what was there. */
  "checkpoint.save": {
    in: Ttl & Owner & {
      key: string;
      upload: string;
      part: number;
      data: Uint8Array;
      isLast: boolean;
      ifRevision?: number;
    };
    out: Partial<CheckpointInfo>;
  };
  /** A checkpoint's head and one of its parts. */
  "checkpoint.load": {
    in: Owner & { key: string; part: number; ifRevision?: number };
    out: { found: boolean; info?: CheckpointInfo; parts?: number; data?: Uint8Array };
  };
  "checkpoint.delete": { in: Owner & { key: string; ifRevision?: number }; out: { found: boolean } };
  "checkpoint.list": { in: Owner & { cursor?: string }; out: { entries: CheckpointInfo[]; nextCursor?: string } };
  "workspace.switch": { in: { workspace: string }; out: { identity: Identity; topic: string; config: ConfigSnapshot } };
  "progress.report": { in: ProgressReport; out: null };
  /**
   * Makes a task, or finds the one that a key names already. `watch` is the id of a call that is not made: when `isWatched`,
   * its reply comes as soon as the task is over, and is that of `task.result`.
   */
  "task.create": {
    in: NewTask & { watch?: number };
    out: { taskId: string; status: TaskStatus; isNew: boolean; isWatched?: boolean };
  };
  /**
   * Says how many slots the caller has for tasks of a pool, and which attempts it is working on. Said again, it replaces
   * what was said before; 0 slots takes nothing new. `lost` are attempts that are not its own any more.
   */
  "task.serve": {
    in: {
      implementation?: string;
      workspace?: string;
      types?: string[];
      slots: number;
      /** Whether what is given runs at once. */
      isAutoStart?: boolean;
      /** How long its tasks wait for it when its connection breaks, in ms; 0 when left out. */
      graceMs?: number;
      running?: { taskId: string; attempt: number }[];
    };
    out: { lost: { taskId: string; attempt: number }[] };
  };
  /** An attempt is over. Not accepted when it is not the valid one; its slot is free either way. */
  "task.settle": {
    in: { taskId: string; attempt?: number; outcome: TaskOutcome };
    out: { isAccepted: boolean; status: TaskStatus };
  };
  /** Adds to a task's event log. */
  "task.emit": { in: { taskId: string; attempt?: number; events: TaskEventBody[] }; out: null };
  /** Acts on a task from outside. */
  "task.act": {
    in: {
      taskId: string;
      action: "cancel" | "retry" | "pause" | "resume" | "reject" | "start";
      reason?: string;
      /** For pause. */
      wait?: TaskWait;
      /** For resume: what the worker gets besides the payload. */
      input?: Uint8Array;
      /** For retry: takes the place of what it had. */
      payload?: Uint8Array;
      isStructured?: boolean;
      metadata?: Record<string, string>;
    };
    out: { task: TaskInfo };
  };
  /** A task, and with `withPayload` what it is to work on. */
  "task.get": {
    in: { taskId: string; withPayload?: boolean };
    out: { task?: TaskInfo; payload?: Uint8Array; isStructured?: boolean };
  };
  /** A page of tasks, newest first. */
  "task.query": {
    in: { filter?: TaskFilter; limit?: number; cursor?: string };
    out: { tasks: TaskInfo[]; nextCursor?: string };
  };
  /** What became of a task; waits until it is over. The task itself is there when it was not completed. */
  "task.result": { in: { taskId: string }; out: { task?: TaskInfo; result?: Uint8Array; isStructured?: boolean } };
  /** What happened to a task after a sequence; waits until something has. `isOver` says that nothing more will come. */
  "task.events": {
    in: { taskId: string; after: number; limit?: number };
    out: { events: TaskEvent[]; next: number; isOver: boolean; gap?: boolean };
  };
  /** Cancels or retries all tasks of a filter. */
  "task.bulk": { in: { filter: TaskFilter; action: "cancel" | "retry"; reason?: string }; out: { count: number } };
  /** Says how principals of an implementation are launched when they are away. */
  "agent.register": { in: AgentRegistration; out: null };
  "agent.get": { in: { implementation: string }; out: { agent?: AgentRegistration } };
  "agent.list": { in: { cursor?: string }; out: { agents: AgentRegistration[]; nextCursor?: string } };
  "agent.remove": { in: { implementation: string }; out: { found: boolean } };
  "admin.health": { in: Record<never, never>; out: HealthInfo };
  /** Sessions by topic, those of one workspace when it is given. */
  "admin.sessions": {
    in: { workspace?: string; principalType?: PrincipalType; cursor?: string; limit?: number };
    out: { sessions: ConnectionInfo[]; nextCursor?: string };
  };
  /** Ends a session for good; its client does not come back. */
  "admin.disconnect": { in: { sessionId: string; reason?: string }; out: { found: boolean } };
  /** Keeps what the caller has done; a refusal is an answer. */
  "audit.submit": { in: AuditEvent; out: AuditSubmitResponse };
  /** Audit events, newest first. A page may be shorter than asked for, even empty, and go on. */
  "admin.audit": { in: AuditQuery; out: { events: AuditRecord[]; nextCursor?: string } };
  /** Looks at a pool, stops it giving out work, or lets it go on. */
  "task.pool": {
    in: { implementation: string; workspace?: string; action: "get" | "pause" | "resume" };
    out: { pool: PoolInfo };
  };
}
/** Name of an operation. */
export type OpName = keyof OpMap;
/** What goes into it. */
export type OpInput<Op extends OpName> = OpMap[Op]["in"];
/** What comes out of it. */
export type OpOutput<Op extends OpName> = OpMap[Op]["out"];

/** Everything a client may be told without having asked: name and body. */
export interface NoticeMap {
  /** Messages are gone. */
  gap: Gap;
  /** The connection is about to end. */
  signal: Signal;
  /** What the principal finds in the key-value store. */
  config: ConfigSnapshot;
  /** How far somebody's work is. */
  progress: ProgressUpdate;
  /** A task to work on. */
  assignment: AssignmentNotice;
  /** An attempt that must stop. */
  revoke: TaskRevocation;
  /** What was sent will not be heard before somebody does something about it. */
  undeliverable: Undeliverable;
}
/** One such word. */
export type Notice = { [Name in keyof NoticeMap]: { name: Name; body: NoticeMap[Name] } }[keyof NoticeMap];
