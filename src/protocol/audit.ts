// edge: no Deno, Bun, node: or cloudflare: names

/** What an audit event is about. */
export type AuditEventType = "message" | "kv" | "task" | "custom";

/** Something a principal did, to be kept beside what the gateway itself notes. */
export interface AuditEvent {
  /** What it is about. */
  eventType: AuditEventType;
  /** What was done, for instance `completed_workflow_step`. */
  operation: string;
  /** What kind of thing it was done to. */
  resourceType?: string;
  /** Which. */
  resourceId?: string;
  /** Where; the submitter's own workspace unless said otherwise. */
  workspace?: string;
  /** Whether it went well; it did unless said otherwise. */
  success?: boolean;
  /** What went wrong. */
  errorMessage?: string;
  /** Anything else. Values whose names look like secrets are not kept. */
  metadata?: Record<string, unknown>;
}

/** An audit event as it was kept. */
export interface AuditRecord extends AuditEvent {
  /** Its id; later ones sort before earlier ones. */
  id: string;
  /** When the gateway took it, ms since epoch. */
  at: number;
  /** Topic of who submitted it, as the gateway knows it. */
  actor: string;
  /** Whether it went well. */
  success: boolean;
}

/** What became of a submission. */
export interface AuditSubmitResponse {
  /** Whether it was taken. */
  /** Whether it went well. */
  success: boolean;
  /** Why not: `ERR_AUDIT_TYPE_FORBIDDEN`, `ERR_PERMISSION_DENIED`, `ERR_AUDIT_RATE_LIMITED`, `ERR_INVALID_ARGUMENT`. */
  errorCode?: string;
  /** The same in words. */
  errorMessage?: string;
}

/** Which audit events; everything given must hold. */
export interface AuditQuery {
  /** Who submitted it. */
  actor?: string;
  /** Where. */
  workspace?: string;
  /** What it is about. */
  eventType?: AuditEventType;
  /** What was done. */
  operation?: string;
  /** Not before, ms since epoch. */
  since?: number;
  /** Before, ms since epoch. */
  until?: number;
  /** Only those that went wrong. */
  onlyFailures?: boolean;
  /** At most so many; 100 by default, 500 at most. */
  limit?: number;
  /** `nextCursor` of the page before. */
  cursor?: string;
}
