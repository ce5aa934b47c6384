// edge: no Deno, Bun, node: or cloudflare: names
import { InvalidArgumentError, NotFoundError } from "../errors.ts";
import { type Unsubscribe, unsubscriber } from "../base/emitter.ts";
import type { AuditEvent, AuditSubmitResponse } from "../protocol/audit.ts";
import type { ConfigSnapshot } from "../protocol/config.ts";
import { type ConnectionAck, type Gap, MessageType, type Receipt, type Signal } from "../protocol/messages.ts";
import type { NoticeMap, OpInput } from "../protocol/ops.ts";
import { type Identity, identityTopic } from "../protocol/principals.ts";
import type { ProgressUpdate } from "../protocol/progress.ts";
import type { TaskWait } from "../protocol/tasks.ts";
import type { ProxyHttpOptions } from "../proxy/proxy_http.ts";
import type { IncomingMessage } from "../session/incoming.ts";
import { outgoing } from "../session/outgoing.ts";
import type { RequestHandler } from "../session/requests.ts";
import { LINK, type Linked, type StreamLink } from "../session/link.ts";
import { Session } from "../session/session.ts";
import type { ConnectionState } from "../session/state.ts";
import { CheckpointClient } from "./checkpoint.ts";
import { type CreateTask, createTask } from "./create_task.ts";
import type { CallOptions } from "./follow.ts";
import { KVClient } from "./kv.ts";
import { type ClientOptions, sessionOptions } from "./options.ts";
import { behindVerbs, subscribeWith, withVerbs } from "./loading.ts";
import type { ReportProgress } from "./progress.ts";
import { TaskHandle } from "./task_handle.ts";
import type { TaskHandleEvent } from "./task_calls.ts";
import type * as tasks from "./tasks.ts";

/** Handles one message; a promise holds the next one back, and so, in the end, the gateway. */
export type MessageHandler = (message: IncomingMessage) => unknown;

/** What a send may be given. */
export interface SendOptions {
  /** Takes the message back while it is not on the wire. */
  signal?: AbortSignal;
  /** Names the message; the same id is delivered once. */
  id?: string;
  /** Texts that travel beside the payload. */
  metadata?: Record<string, string>;
  /** After this many ms it is worth nothing any more and is not delivered. */
  ttlMs?: number;
}

/** A message for `send`. */
export interface OutgoingMessage {
  /** Where to. */
  targetTopic: string;
  /** The bytes. */
  payload: Uint8Array;
  /** Label; Opaque by default. */
  messageType?: MessageType;
}

/** What a request may be given. */
export interface RequestOptions {
  /** Stops waiting; the far handler's `message.signal` aborts. */
  signal?: AbortSignal;
  /** How long to wait, in ms; 30 000 by default. */
  timeout?: number;
  /** Label. */
  messageType?: MessageType;
  /** Texts that travel beside the payload. */
  metadata?: Record<string, string>;
}

const ANY = (): boolean => true;

/** What all clients can: connect, listen, send, ask. One connection, which is the identity's lock and heartbeat. */
export abstract class AetherClient implements Linked {
  /**
   * The connection and its verbs; capabilities stand on it.
   * @internal
   */
  protected readonly session: Session;
  /** Tells those who watch how far a piece of work is; see {@link ReportProgress}. */
  readonly reportProgress: ReportProgress;
  /** Makes a task, or finds the one that a key names already; see {@link CreateTask}. */
  readonly createTask: CreateTask;

  /**
   * Makes one.
   * @param identity who connects
   */
  constructor(identity: Identity, options: ClientOptions, workspace?: string) {
    this.session = new Session(sessionOptions(identity, options, workspace));
    this.createTask = createTask(this.session);
    let report: ReportProgress | undefined;
    this.reportProgress = (progress) =>
      withVerbs(this.session, (verbs, given) => (report ??= verbs.reportProgress(this.session))(given), progress);
    this.#onNotice("undeliverable", (body) => {
      this.session.report(new NotFoundError(body.reason, { details: { ...body } }));
    });
  }

  /**
   * What HTTP and tunnels stand on.
   * @internal
   */
  get [LINK](): StreamLink {
    return this.session;
  }

  /** Connects. Resolves with the gateway's welcome, rejects with the typed error; calling it again meanwhile is harmless. */
  connect(options: { signal?: AbortSignal } = {}): Promise<ConnectionAck> {
    return this.session.connect(options.signal);
  }

  /** Flushes what was sent, says goodbye, releases the identity. `connect()` works again afterwards. */
  disconnect(): Promise<void> {
    return behindVerbs(() => this.session.disconnect());
  }

  /** Same as {@link AetherClient.disconnect}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.disconnect();
  }

  /** Whether it is connected now. */
  get connected(): boolean {
    return this.session.state === "ready";
  }
  /** Id of the session; empty before the first welcome. */
  get sessionId(): string {
    return this.session.ack?.sessionId ?? "";
  }
  /** The topic this identity owns; a pool worker's is known after the welcome. */
  get topic(): string {
    return this.session.ack?.topic ?? identityTopic(this.session.identity);
  }
  /** The id the gateway gave a non-unique task. */
  get assignedId(): string | undefined {
    return this.session.ack?.assignedId;
  }
  /** `idle, connecting, authenticating, ready, draining, waiting, closed`. */
  get state(): ConnectionState {
    return this.session.state;
  }

  /** Every change of {@link AetherClient.state}. */
  onStateChange(handler: (state: ConnectionState) => unknown): Unsubscribe {
    return this.session.onState.add(handler);
  }
  /** The gateway's welcome, at every connect and reconnect. */
  onConnect(handler: (ack: ConnectionAck) => unknown): Unsubscribe {
    return this.session.onConnect.add(handler);
  }
  /** The connection is gone, with the reason in words. */
  onDisconnect(handler: (reason: string) => unknown): Unsubscribe {
    return this.session.onDisconnect.add(handler);
  }
  /** Another attempt will be made; counts from 1. */
  onReconnecting(handler: (attempt: number) => unknown): Unsubscribe {
    return this.session.onReconnecting.add(handler);
  }
  /** What went wrong and has nobody else to hear it: refused sends, handlers that threw, a lost connection. */
  onError(handler: (error: Error) => unknown): Unsubscribe {
    return this.session.onError.add(handler as (error: unknown) => unknown);
  }
  /** Messages that could not be replayed; silence means nothing was lost. */
  onGap(handler: (gap: Gap) => unknown): Unsubscribe {
    return this.#onNotice("gap", handler);
  }
  /** The gateway's signals: a forced or a graceful disconnect. */
  onSignal(handler: (signal: Signal) => unknown): Unsubscribe {
    return this.#onNotice("signal", handler);
  }
  /** What it finds in the key-value store: at every new session, and after every switch of the workspace. */
  onConfig(handler: (config: ConfigSnapshot) => unknown): Unsubscribe {
    return this.#onNotice("config", handler);
  }
  /** Progress that others report, as far as it is meant for this identity. */
  onProgress(handler: (update: ProgressUpdate) => unknown): Unsubscribe {
    return this.#onNotice("progress", handler);
  }
  #onNotice<Name extends keyof NoticeMap>(name: Name, handler: (body: NoticeMap[Name]) => unknown): Unsubscribe {
    return this.session.onNotice.add((notice) =>
      notice.name === name ? handler(notice.body as NoticeMap[Name]) : undefined
    );
  }

  /** Every message. Messages that come before the first handler wait for it. */
  onMessage(handler: MessageHandler): Unsubscribe {
    return this.session.inbound.subscribe(ANY, handler);
  }
  /** Messages of type Chat. */
  onChatMessage(handler: MessageHandler): Unsubscribe {
    return this.#onType(MessageType.Chat, handler);
  }
  /** Messages of type Control. */
  onControlMessage(handler: MessageHandler): Unsubscribe {
    return this.#onType(MessageType.Control, handler);
  }
  /** Messages of type ToolCall. */
  onToolCallMessage(handler: MessageHandler): Unsubscribe {
    return this.#onType(MessageType.ToolCall, handler);
  }
  /** Messages of type Event. */
  onEventMessage(handler: MessageHandler): Unsubscribe {
    return this.#onType(MessageType.Event, handler);
  }
  /** Messages of type Metric. */
  onMetricMessage(handler: MessageHandler): Unsubscribe {
    return this.#onType(MessageType.Metric, handler);
  }
  /** Messages that a task sent. */
  onTaskMessage(handler: MessageHandler): Unsubscribe {
    return this.session.inbound.subscribe(
      ({ sourceTopic }) => sourceTopic.startsWith("tu::") || sourceTopic.startsWith("ta::"),
      handler,
    );
  }
  #onType(type: MessageType, handler: MessageHandler): Unsubscribe {
    return this.session.inbound.subscribe((message) => message.messageType === type, handler);
  }

  /** Messages as an async iterator; taking the next one acknowledges the last. Aborting throws the signal's reason. */
  messages(options: { type?: MessageType; signal?: AbortSignal } = {}): AsyncIterableIterator<IncomingMessage> {
    const { type, signal } = options;
    return this.session.inbound.iterate(type === undefined ? ANY : (message) => message.messageType === type, signal);
  }

  /** Sends to any topic the identity may send to. The promise may be ignored: failures also reach `onError`. */
  send(message: OutgoingMessage, options?: SendOptions): Promise<Receipt> {
    const { targetTopic, payload, messageType = MessageType.Opaque } = message;
    return this.session.send(outgoing(targetTopic, payload, messageType, options));
  }

  /**
   * Asks somebody who is connected now and waits for the one answer.
   * @throws {NotFoundError} nobody is there, or nobody answers requests there
   * @throws {TimeoutError} no answer in time
   */
  request(topic: string, payload: Uint8Array, options: RequestOptions = {}): Promise<IncomingMessage> {
    const { signal, timeout, messageType, metadata } = options;
    return this.session.request(topic, payload, { signal, timeoutMs: timeout, messageType, metadata });
  }

  /** The key-value store: fourteen atomic operations in eight scopes, and watches. */
  kv(): KVClient {
    return (this.#kv ??= new KVClient(this.session));
  }
  #kv: KVClient | undefined;

  /** This identity's own store of large states. */
  checkpoint(): CheckpointClient {
    return (this.#checkpoint ??= new CheckpointClient(this.session));
  }
  #checkpoint: CheckpointClient | undefined;

  /** A task that is known by its id: made by somebody else, or before a restart. */
  taskHandle<Output = unknown, Chunk = unknown>(taskId: string): TaskHandle<Output, Chunk> {
    return new TaskHandle(this.session, taskId);
  }
  /** Tasks, newest first. */
  queryTasks(options?: tasks.TaskQueryOptions): Promise<tasks.TaskQueryResponse> {
    return withVerbs(this.session, (verbs) => verbs.queryTasks(this.session, options));
  }
  /** Looks at a task; `success` is false when there is none. */
  getTask(taskId: string, options?: CallOptions): Promise<tasks.TaskResponse> {
    return withVerbs(this.session, (verbs) => verbs.getTask(this.session, taskId, options));
  }
  /** Cancels a task and those it has made; its worker's `ctx.signal` aborts. */
  cancelTask(taskId: string, reason?: string, options?: CallOptions): Promise<tasks.TaskResponse> {
    return this.#act(taskId, "cancel", { reason }, options);
  }
  /** Begins a task that is over and not completed anew, with another input if one is given. */
  retryTask(taskId: string, options: tasks.RetryTaskOptions = {}): Promise<tasks.TaskResponse> {
    return withVerbs(this.session, (verbs, given) => verbs.retryTask(this.session, taskId, given), options);
  }
  /** Lets a task that is worked on wait: for input when nothing else is said. */
  pauseTask(taskId: string, wait?: TaskWait, options?: CallOptions): Promise<tasks.TaskResponse> {
    return this.#act(taskId, "pause", { wait }, options);
  }
  /** Lets a task that waits go on; what is given as `input` reaches its worker as `ctx.resumeInput`. */
  resumeTask(taskId: string, options: tasks.ResumeTaskOptions = {}): Promise<tasks.TaskResponse> {
    return withVerbs(this.session, (verbs, given) => verbs.resumeTask(this.session, taskId, given), options);
  }
  /** Refuses a task for good. */
  rejectTask(taskId: string, reason?: string, options?: CallOptions): Promise<tasks.TaskResponse> {
    return this.#act(taskId, "reject", { reason }, options);
  }
  #act(
    taskId: string,
    action: OpInput<"task.act">["action"],
    more: Partial<OpInput<"task.act">>,
    options?: CallOptions,
  ): Promise<tasks.TaskResponse> {
    return withVerbs(
      this.session,
      (verbs, given) => verbs.actOnTask(this.session, taskId, action, given, options),
      more,
    );
  }
  /** For a worker without `createWorker`: the task it was given is done. */
  completeTask(taskId: string, options: tasks.CompleteTaskOptions = {}): Promise<tasks.TaskSettleResponse> {
    return withVerbs(this.session, (verbs, given) => verbs.completeTask(this.session, taskId, given), options);
  }
  /** For a worker without `createWorker`: the task it was given failed. */
  failTask(
    taskId: string,
    reason: unknown = "failed",
    options: tasks.FailTaskOptions = {},
  ): Promise<tasks.TaskSettleResponse> {
    return withVerbs(this.session, (verbs) => verbs.failTask(this.session, taskId, reason, options));
  }
  /** Hears everything that happens to a task, from its beginning or after a sequence, until it is over. */
  subscribeTask(
    taskId: string,
    handler: (event: TaskHandleEvent) => unknown,
    options: { after?: number } = {},
  ): Unsubscribe {
    const { after } = options;
    return subscribeWith(this.session, (verbs) => verbs.subscribeTask(this.session, taskId, handler, after));
  }

  /** Has the gateway keep what was done. A refusal, also of what is malformed, is an answer and not thrown. */
  submitAuditEvent(event: AuditEvent, options: CallOptions = {}): Promise<AuditSubmitResponse> {
    const { signal, timeout: timeoutMs } = options;
    return this.session.call("audit.submit", event, { signal, timeoutMs }).catch((error) => {
      if (!(error instanceof InvalidArgumentError)) throw error;
      return { success: false, errorCode: "ERR_INVALID_ARGUMENT", errorMessage: error.message };
    });
  }

  /**
   * One HTTP request to a service over the connection; what carries HTTP is loaded with the first one.
   * @throws {ProxyHttpError} no answer came; its `kind` says why
   */
  async proxyHttp(target: string, method: string, path: string, options?: ProxyHttpOptions): Promise<Response> {
    const { proxyHttp } = await import("../proxy/proxy_http.ts");
    return proxyHttp(this, target, method, path, options);
  }

  /** Answers requests. What the handler returns is the answer; what it throws reaches the asker as a typed error. */
  onRequest(handler: RequestHandler): Unsubscribe {
    return unsubscriber(this.session.serve(handler));
  }
}

/**
 * The session of a client, for what stands on it and is not the client itself.
 * @internal
 */
export function sessionOf(client: AetherClient): Session {
  return client["session"];
}
