// edge: no Deno, Bun, node: or cloudflare: names
import { utf8 } from "../base/bytes.ts";
import { insist } from "../client/follow.ts";
import { encodeStructured } from "../protocol/structured.ts";
import type { TaskEventBody } from "../protocol/tasks.ts";
import { heard, type Link } from "../session/link.ts";

/** Events of one call at most; the gateway takes no more. */
const EVENTS = 500;
/** Bytes of one call at most, about: far below what a frame may have. */
const BYTES = 256 * 1024;
/** Letters of a log line; the rest is cut off. */
const WORDS = 4000;

/** Adds to a task's event log: all that is said in a turn goes as one call. */
export class TaskEmitter {
  readonly #link: Link;
  readonly #taskId: string;
  readonly #attempt: number;
  #events: TaskEventBody[] = [];
  #bytes = 0;
  #sent: PromiseWithResolvers<void> | undefined;

  constructor(link: Link, taskId: string, attempt: number) {
    this.#link = link;
    this.#taskId = taskId;
    this.#attempt = attempt;
  }

  /** Adds a line to the log. Whatever cannot travel of its fields is written as text. */
  log(level: "debug" | "info" | "warn" | "error", message: string, fields?: Record<string, unknown>): void {
    const event: TaskEventBody = { type: "log", level, message: String(message).slice(0, WORDS) };
    if (fields) event.fields = plainFields(fields);
    this.#add(event, event.message.length + 64);
  }

  /** Adds a piece of the result; resolves when the gateway has it. */
  chunk(data: Uint8Array, isStructured: boolean): Promise<void> {
    return this.#add({ type: "chunk", data, isStructured }, data.length);
  }

  #add(event: TaskEventBody, bytes: number): Promise<void> {
    if (this.#events.length >= EVENTS || this.#bytes + bytes > BYTES) this.flush();
    if (!this.#sent) {
      this.#sent = Promise.withResolvers();
      queueMicrotask(() => this.flush());
    }
    this.#events.push(event);
    this.#bytes += bytes;
    return this.#sent.promise;
  }

  /** Sends what is there now: what follows on the same connection comes after it. */
  flush(): void {
    if (!this.#sent) return;
    const [events, sent] = [this.#events, this.#sent];
    this.#events = [];
    this.#bytes = 0;
    this.#sent = undefined;
    const call = insist(this.#link, "task.emit", { taskId: this.#taskId, attempt: this.#attempt, events });
    call.then(() => sent.resolve(), sent.reject);
    // What an attempt that is not valid any more has to say is lost, and that is known by other means.
    heard(
      this.#link,
      sent.promise.catch((error) => {
        if (error?.code !== "ABORTED") throw error;
      }),
    );
    sent.promise.catch(() => {});
  }
}

/** Fields as they can travel. */
function plainFields(fields: Record<string, unknown>): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) plain[name] = plainValue(value);
  return plain;
}

function plainValue(value: unknown): unknown {
  if (value instanceof Error) return { name: value.name, message: value.message, stack: value.stack };
  try {
    const bytes = encodeStructured(value, 16);
    return bytes.length <= BYTES / 4 ? value : `${bytes.length} bytes, left out`;
  } catch {
    // A function, a circle and the like: better its name than no line at all.
    return fromAnything(value);
  }
}

function fromAnything(value: unknown): string {
  const text = String(value);
  return utf8(text).length <= WORDS ? text : text.slice(0, WORDS / 4);
}
