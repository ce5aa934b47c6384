/**
 * Clients for every principal of the fabric. One connection is an identity's lock and its heartbeat; messages,
 * requests and everything else flow over it.
 *
 * @example
 * ```ts
 * import { AgentClient } from "@aether-edge/sdk";
 * import { allowAll, createGateway } from "@aether-edge/sdk/gateway";
 * import { memoryStore } from "@aether-edge/sdk/store/memory";
 *
 * const gateway = await createGateway({ store: memoryStore(), auth: allowAll() });
 * const dial = gateway.dial();
 * const desk = new AgentClient({ dial, workspace: "prod", implementation: "desk", specifier: "1" });
 * const shelf = new AgentClient({ dial, workspace: "prod", implementation: "shelf", specifier: "1" });
 * shelf.onRequest((message) => `you said ${message.text()}`);
 * await Promise.all([desk.connect(), shelf.connect()]);
 * const answer = await desk.request(shelf.topic, new TextEncoder().encode("hello"));
 * if (answer.text() !== "you said hello") throw new Error("never");
 * await Promise.all([desk.disconnect(), shelf.disconnect()]);
 * await gateway.close();
 * ```
 * @module
 */
export { AgentClient } from "./src/client/agent.ts";
export type { AgentClientOptions } from "./src/client/agent.ts";
export { UserClient } from "./src/client/user.ts";
export type { UserClientOptions } from "./src/client/user.ts";
export { TaskClient } from "./src/client/task.ts";
export type { TaskClientOptions } from "./src/client/task.ts";
export { AdminClient } from "./src/client/admin.ts";
export type { ConnectionQuery, PoolOptions } from "./src/client/admin.ts";
export type { AuditEvent, AuditEventType, AuditQuery, AuditRecord, AuditSubmitResponse } from "./src/protocol/audit.ts";
export { BaseOrchestrator } from "./src/client/base_orchestrator.ts";
export type { BaseOrchestratorOptions } from "./src/client/base_orchestrator.ts";
export { OrchestratorClient } from "./src/client/orchestrator.ts";
export type { OrchestratorClientOptions } from "./src/client/orchestrator.ts";
export {
  BridgeClient,
  MetricsBridgeClient,
  PlatformClient,
  ServiceClient,
  WorkflowEngineClient,
} from "./src/client/platform.ts";
export type { PlatformClientOptions } from "./src/client/platform.ts";
export type { ProxyHttpOptions } from "./src/proxy/proxy_http.ts";
export type { BodySource } from "./src/proxy/body.ts";
export type { HeadersSource } from "./src/proxy/heads.ts";
export type { ExchangeOptions } from "./src/proxy/exchange.ts";
export { KVClient } from "./src/client/kv.ts";
export type {
  KVCompareAndDeleteOptions,
  KVCompareAndSetOptions,
  KVCounterOptions,
  KVGuardedCounterOptions,
  KVKeyOptions,
  KVListOptions,
  KVPlaceOptions,
  KVPutOptions,
  KVResponse,
  KVSetAddOptions,
  KVWatchOptions,
} from "./src/client/kv_types.ts";
export type { KVList } from "./src/client/kv_list.ts";
export { CheckpointClient } from "./src/client/checkpoint.ts";
export type { CheckpointOptions, CheckpointResponse, CheckpointSaveOptions } from "./src/client/checkpoint_types.ts";
export type { ReportProgress } from "./src/client/progress.ts";
export type { SwitchWorkspace } from "./src/client/workspace.ts";
export { TaskHandle } from "./src/client/task_handle.ts";
export type { TaskHandleEvent } from "./src/client/task_calls.ts";
export type { CreateTask } from "./src/client/create_task.ts";
export type {
  CompleteTaskOptions,
  FailTaskOptions,
  ResumeTaskOptions,
  RetryTaskOptions,
  SettleOptions,
  TaskQueryOptions,
  TaskQueryResponse,
  TaskResponse,
  TaskSettleResponse,
} from "./src/client/tasks.ts";
export type {
  DefinedTaskOptions,
  PlainTaskOptions,
  TaskDefinition,
  TaskSettings,
} from "./src/client/task_definition.ts";
export type { CallOptions } from "./src/client/follow.ts";
export type { OnTaskAssignment, TaskAssignmentHandler, TaskAssignmentOptions } from "./src/client/task_taker.ts";
export { AetherClient } from "./src/client/aether_client.ts";
export type { MessageHandler, OutgoingMessage, RequestOptions, SendOptions } from "./src/client/aether_client.ts";
export type {
  Broadcast,
  SendEvent,
  SendMetric,
  SendToAgent,
  SendToPool,
  SendToService,
  SendToTask,
  SendToUser,
  SendToUserBroadcast,
  SendToUserWorkspace,
} from "./src/client/senders.ts";
export type { ClientOptions, ConnectionOptions, OutboxOptions } from "./src/client/options.ts";
export { withAPIKey, withTaskToken, withTenant, withToken } from "./src/client/credentials.ts";
export type { Credentials } from "./src/client/credentials.ts";
export { MetricBuilder, newMetric } from "./src/client/metrics.ts";
export type { Metric, MetricEntry } from "./src/client/metrics.ts";
export { IncomingMessage } from "./src/session/incoming.ts";
export type { ReplyPayload } from "./src/session/incoming.ts";
export type { RequestHandler } from "./src/session/requests.ts";
export type { ConnectionState } from "./src/session/state.ts";
export { webSocketDial } from "./src/transport/websocket.ts";
export type { WebSocketConstructor } from "./src/transport/websocket.ts";
export type { CloseInfo, Dial, DialTls, Transport, TransportSink } from "./src/transport/transport.ts";
export { MessageType, SignalType } from "./src/protocol/messages.ts";
export type { ConnectionAck, Gap, Receipt, Signal } from "./src/protocol/messages.ts";
export { KVScope } from "./src/protocol/kv.ts";
export type { KvChangeEvent, KvCondition, KvEntry, KvPlace } from "./src/protocol/kv.ts";
export type { CheckpointInfo } from "./src/protocol/ops.ts";
export type { AgentRegistration } from "./src/protocol/agents.ts";
export type { ConnectionInfo, HealthInfo } from "./src/protocol/admin.ts";
export type { ConfigSnapshot } from "./src/protocol/config.ts";
export { ProgressKind } from "./src/protocol/progress.ts";
export type { ProgressReport, ProgressUpdate } from "./src/protocol/progress.ts";
export { TaskAssignmentMode, TaskPriority } from "./src/protocol/task_modes.ts";
export type { TaskAssignment } from "./src/protocol/task_assignment.ts";
export type { TaskStatus } from "./src/protocol/task_states.ts";
export type {
  ConcurrencyLimit,
  NewTask,
  PoolInfo,
  RateLimit,
  RetryPolicy,
  RevokeKind,
  TaskClass,
  TaskError,
  TaskEvent,
  TaskEventBody,
  TaskFilter,
  TaskInfo,
  TaskOutcome,
  TaskWait,
} from "./src/protocol/tasks.ts";
export { PrincipalType } from "./src/protocol/principals.ts";
export type { Identity } from "./src/protocol/principals.ts";
export {
  agentTopic,
  bridgeTopic,
  eventTopic,
  globalAgentsTopic,
  globalUsersTopic,
  metricTopic,
  parseTopic,
  progressTopic,
  serviceTopic,
  taskBroadcastTopic,
  taskTopic,
  uniqueTaskTopic,
  userBroadcastTopic,
  userTopic,
  userWorkspaceTopic,
} from "./src/protocol/topics.ts";
export type { Topic } from "./src/protocol/topics.ts";
export {
  AetherError,
  AuthenticationError,
  CheckpointError,
  ConflictError,
  ConnectionClosedError,
  ConnectionError,
  DuplicateIdentityError,
  InvalidArgumentError,
  isConnectionError,
  isRecoverable,
  isTimeoutError,
  KVOperationError,
  MessageError,
  NotFoundError,
  PermissionDeniedError,
  ProxyErrorKind,
  ProxyHttpError,
  QuotaError,
  ReconnectionError,
  TaskFailedError,
  TimeoutError,
  TunnelClosedError,
  UnimplementedError,
} from "./src/errors.ts";
export type { AetherErrorOptions, ErrorCode } from "./src/errors.ts";
export type { CancelTimer, Clock } from "./src/base/clock.ts";
export type { Random } from "./src/base/ids.ts";
export { consoleLogger } from "./src/base/logger.ts";
export type { Logger, LogLevel } from "./src/base/logger.ts";
export type { Unsubscribe } from "./src/base/emitter.ts";
