// edge: no Deno, Bun, node: or cloudflare: names
import * as v from "valibot";
import { PermissionDeniedError } from "../../errors.ts";
import type { AuditEvent, AuditQuery, AuditRecord, AuditSubmitResponse } from "../../protocol/audit.ts";
import { AUDIT_EVENT_BYTES, AUDIT_PER_SECOND } from "../../protocol/limits.ts";
import type { OpOutput } from "../../protocol/ops.ts";
import { decodeStructured, encodeStructured } from "../../protocol/structured.ts";
import { adminFault, workspaceFault } from "../access.ts";
import type { Core } from "../core.ts";
import type { OpGroup } from "../ops.ts";
import { segment } from "../schemas.ts";
import type { Session } from "../session.ts";
import { TaskIds } from "../tasks/task_ids.ts";
import { checked } from "./kv_schemas.ts";

const SPACE = "audit";
const TYPES: readonly string[] = ["message", "kv", "task", "custom"];
/** Events that one question looks at, whether they are wanted or not: it goes on by its cursor. */
const LOOKED_AT = 2000;
const SECRET = /pass(?:word|wd|phrase)?$|secret|token|api[-_]?key|authorization|credential|cookie|private[-_]?key/i;

const short = v.pipe(v.string(), v.maxLength(256));
const moment = v.pipe(v.number(), v.minValue(0));

/** What principals want to be kept of what they do, and what administrators read of it. */
export class AuditOps implements OpGroup {
  readonly #core: Core;
  readonly #ids: TaskIds;
  /** When each session may have submitted so many that another one is too many. */
  readonly #fullAt = new WeakMap<Session, number>();

  constructor(core: Core) {
    this.#core = core;
    this.#ids = new TaskIds(core.random);
  }

  readonly ops: OpGroup["ops"] = {
    "audit.submit": {
      check: checked(
        "audit.submit",
        v.object({
          // A type that is not known is refused, not malformed: the next version may know it.
          eventType: short as unknown as v.GenericSchema<AuditEvent["eventType"]>,
          operation: v.pipe(short, v.minLength(1)),
          resourceType: v.optional(short),
          resourceId: v.optional(v.pipe(v.string(), v.maxLength(1024))),
          workspace: v.optional(segment),
          success: v.optional(v.boolean()),
          errorMessage: v.optional(v.pipe(v.string(), v.maxLength(4096))),
          metadata: v.optional(v.record(v.string(), v.unknown())),
        }),
      ),
      run: (session, event) => this.#submit(session, event),
    },
    "admin.audit": {
      check: checked(
        "admin.audit",
        v.object({
          actor: v.optional(v.pipe(v.string(), v.maxLength(512))),
          workspace: v.optional(segment),
          eventType: v.optional(v.picklist(["message", "kv", "task", "custom"])),
          operation: v.optional(short),
          since: v.optional(moment),
          until: v.optional(moment),
          onlyFailures: v.optional(v.boolean()),
          limit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(500))),
          cursor: v.optional(short),
        }),
      ),
      run: (session, query) => {
        const fault = adminFault(session);
        if (fault) throw new PermissionDeniedError(`Cannot read the audit: ${fault}`);
        return this.#query(query);
      },
    },
  };

  #submit(session: Session, { success = true, ...event }: AuditEvent): AuditSubmitResponse {
    const refuse = (errorCode: string, errorMessage: string): AuditSubmitResponse => {
      return { success: false, errorCode, errorMessage };
    };
    if (!TYPES.includes(event.eventType)) {
      return refuse("ERR_AUDIT_TYPE_FORBIDDEN", `"${event.eventType}" is not one of ${TYPES.join(", ")}`);
    }
    const workspace = event.workspace ?? session.workspace;
    const fault = workspace === undefined ? undefined : workspaceFault(session, workspace);
    if (fault) return refuse("ERR_PERMISSION_DENIED", fault);
    const now = this.#core.clock.now();
    if (!this.#spend(session, now)) {
      return refuse("ERR_AUDIT_RATE_LIMITED", `more than ${AUDIT_PER_SECOND} events a second`);
    }
    const record: AuditRecord = { id: this.#ids.next(now), at: now, actor: session.topic, ...event, success };
    if (workspace !== undefined) record.workspace = workspace;
    if (event.metadata) record.metadata = withoutSecrets(event.metadata);
    const bytes = encodeStructured(record);
    if (bytes.length > AUDIT_EVENT_BYTES) {
      return refuse("ERR_INVALID_ARGUMENT", `an event of ${bytes.length} bytes, at most ${AUDIT_EVENT_BYTES} are kept`);
    }
    this.#core.store.kv.put(SPACE, record.id, bytes, { now, expiresAt: now + this.#core.limits.auditRetentionMs });
    return { success: true };
  }

  /** A bucket of a second's worth, told by the one moment at which it is full again. */
  #spend(session: Session, now: number): boolean {
    const full = Math.max(now, this.#fullAt.get(session) ?? now);
    if (full - now > 1000 - 1000 / AUDIT_PER_SECOND) return false;
    this.#fullAt.set(session, full + 1000 / AUDIT_PER_SECOND);
    return true;
  }

  async #query({ cursor, limit = 100, ...query }: AuditQuery): Promise<OpOutput<"admin.audit">> {
    const now = this.#core.clock.now();
    const found = await this.#core.store.kv.list(SPACE, "", cursor, LOOKED_AT, now);
    const events: AuditRecord[] = [];
    for (const { key, value } of found) {
      const record = decodeStructured(value) as AuditRecord;
      if (query.since !== undefined && record.at < query.since) return { events };
      if (!isWanted(record, query)) continue;
      events.push(record);
      if (events.length === limit) return { events, nextCursor: key };
    }
    return found.length === LOOKED_AT ? { events, nextCursor: found.at(-1)!.key } : { events };
  }
}

function isWanted(record: AuditRecord, query: AuditQuery): boolean {
  if (query.until !== undefined && record.at >= query.until) return false;
  if (query.onlyFailures && record.success) return false;
  for (const name of ["actor", "workspace", "eventType", "operation"] as const) {
    if (query[name] !== undefined && query[name] !== record[name]) return false;
  }
  return true;
}

/** Metadata without what should not lie about, however deep. */
function withoutSecrets(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, SECRET.test(name) ? "[redacted]" : redacted(inner)]),
  );
}

function redacted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redacted);
  const isMap = typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  return isMap ? withoutSecrets(value as Record<string, unknown>) : value;
}
