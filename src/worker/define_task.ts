// edge: no Deno, Bun, node: or cloudflare: names
import { InvalidArgumentError } from "../errors.ts";
import { NO_BYTES } from "../base/bytes.ts";
import { type StandardSchemaV1, validate } from "../base/schema.ts";
import type { TaskDefinition } from "../client/task_definition.ts";
import { encodeValue } from "../client/task_values.ts";
import type { ConcurrencyLimit, NewTask, RateLimit, RetryPolicy, TaskClass, TaskPriority } from "../protocol/tasks.ts";
import type { TaskContext } from "./context.ts";

/** A limit whose key is worked out from the input, when the task is created. */
export type KeyedBy<Input, Limit extends { key?: string }> = Omit<Limit, "key"> & {
  /** What those have in common that are counted together, such as a tenant; all of the type when left out. */
  key?: string | ((input: Input) => string);
};

/** What a kind of task is, apart from its result. */
export interface TaskTraits<Raw, Input, Chunk> {
  /** What is to be done; the name of its pool too, unless `implementation` says otherwise. */
  type: string;
  /** Which pool does it; the type when left out. */
  implementation?: string;
  /** Checks what creators give: when the task is created, and again at the worker. Any Standard Schema. */
  input?: StandardSchemaV1<Raw, Input>;
  /** Checks what is streamed. */
  chunk?: StandardSchemaV1<unknown, Chunk>;
  /** When it is tried again; never when left out. */
  retry?: RetryPolicy;
  /** How long one attempt may take, in ms. */
  timeoutMs?: number;
  /** How long all of it may take from its making, in ms. */
  deadlineMs?: number;
  /** At most so many at once. */
  concurrency?: KeyedBy<Input, ConcurrencyLimit>;
  /** At most so often. */
  rateLimit?: KeyedBy<Input, RateLimit>;
  /** Goes before lower ones. */
  priority?: TaskPriority;
  /** How patient it is. */
  taskClass?: TaskClass;
  /** Slots it takes at its worker; 1 when left out. */
  weight?: number;
}

/** A kind of task whose result is checked. */
export interface CheckedTaskOptions<Raw, Input, Given, Output, Chunk> extends TaskTraits<Raw, Input, Chunk> {
  /** Checks what the handler returns; a result that does not fit fails the task for good. */
  output: StandardSchemaV1<Given, Output>;
  /** Does it. */
  run(input: Input, ctx: TaskContext<Chunk>): NoInfer<Given> | Promise<NoInfer<Given>>;
}

/** A kind of task whose result is what the handler returns. */
export interface PlainTaskTraits<Raw, Input, Output, Chunk> extends TaskTraits<Raw, Input, Chunk> {
  /** Not given: what the handler returns is taken as it is. */
  output?: undefined;
  /** Does it. */
  run(input: Input, ctx: TaskContext<Chunk>): Output | Promise<Output>;
}

const DEFINED = Symbol.for("aether-edge.task");

/** A kind of task, of any types: what a worker needs of it. */
export interface AnyTask {
  /** What is to be done. */
  readonly type: string;
  /** Which pool does it; the type when left out. */
  readonly implementation?: string;
  /** Does it with what travelled: checks the input, runs the handler, checks the result. */
  perform(input: unknown, ctx: TaskContext): Promise<unknown>;
}

/** A kind of task: what creators, workers and their types share. Made by {@link defineTask}. */
export interface DefinedTask<Raw = unknown, Output = unknown, Chunk = unknown>
  extends TaskDefinition<Raw, Output, Chunk>, AnyTask {}

/**
 * Defines a kind of task: one value from which creators and workers have their types and their checks.
 * @example
 * ```ts
 * import { createWorker, defineTask } from "@aether-edge/sdk/worker";
 * import { testFabric } from "@aether-edge/sdk/testing";
 *
 * const double = defineTask({ type: "double", run: (input: { n: number }) => input.n * 2 });
 *
 * await using fabric = await testFabric();
 * await using worker = createWorker(fabric.task({ implementation: "double" }), { tasks: [double], slots: 8 });
 * const handle = await fabric.agent().createTask({ task: double, input: { n: 21 } });
 * if (await handle.result() !== 42) throw new Error("never");
 * ```
 * @throws {InvalidArgumentError} without a type
 */
export function defineTask<Raw, Input, Given, Output, Chunk = unknown>(
  options: CheckedTaskOptions<Raw, Input, Given, Output, Chunk>,
): DefinedTask<Raw, Output, Chunk>;
/** Defines a kind of task whose result is what the handler returns. */
export function defineTask<Output, Input = unknown, Raw = Input, Chunk = unknown>(
  options: PlainTaskTraits<Raw, Input, Output, Chunk>,
): DefinedTask<Raw, Awaited<Output>, Chunk>;
export function defineTask(
  options:
    | CheckedTaskOptions<unknown, unknown, unknown, unknown, unknown>
    | PlainTaskTraits<unknown, unknown, unknown, unknown>,
): DefinedTask {
  const { type, implementation, input: inputSchema, output: outputSchema, chunk, run } = options;
  const { retry, timeoutMs, deadlineMs, concurrency, rateLimit, priority, taskClass, weight } = options;
  if (typeof type !== "string" || type === "") {
    throw new InvalidArgumentError("Cannot define a task without a type: name what is to be done", "type");
  }
  const settings: Partial<NewTask> = {
    implementation,
    retry,
    timeoutMs,
    deadlineMs,
    priority,
    taskClass,
    weight,
    concurrency: unkeyed(concurrency),
    rateLimit: unkeyed(rateLimit),
  };
  const task = {
    type,
    implementation,
    settings,
    async prepare(raw: unknown): Promise<Partial<NewTask>> {
      const input = inputSchema ? await validate(inputSchema, raw, "input") : raw;
      // What travels is what was given: the worker checks and transforms the same once more.
      const { bytes = NO_BYTES, isStructured } = encodeValue(raw);
      return {
        ...settings,
        concurrency: keyed(concurrency, input),
        rateLimit: keyed(rateLimit, input),
        payload: bytes,
        isStructured,
      };
    },
    async perform(raw: unknown, ctx: TaskContext): Promise<unknown> {
      const input = inputSchema ? await validate(inputSchema, raw, "input") : raw;
      const output = await run.call(options, input, chunk ? { ...ctx, stream: checkedStream(chunk, ctx) } : ctx);
      return outputSchema ? await validate(outputSchema, output, "output") : output;
    },
  };
  Object.defineProperty(task, DEFINED, { value: true });
  return task;
}

/** Whether a value was made by {@link defineTask}, of whichever copy of the package. */
export function isDefinedTask(value: unknown): value is DefinedTask {
  return typeof value === "object" && value !== null && (value as Record<symbol, unknown>)[DEFINED] === true;
}

function checkedStream(schema: StandardSchemaV1, ctx: TaskContext): TaskContext["stream"] {
  return async (chunk) => await ctx.stream(await validate(schema, chunk, "chunk"));
}

function keyed<Limit extends { key?: string }>(
  limit: KeyedBy<unknown, Limit> | undefined,
  input: unknown,
): Limit | undefined {
  if (!limit) return undefined;
  const key = typeof limit.key === "function" ? limit.key(input) : limit.key;
  return { ...limit, key } as unknown as Limit;
}

/** A limit for a task whose input is not known. */
function unkeyed<Limit extends { key?: string }>(limit: KeyedBy<unknown, Limit> | undefined): Limit | undefined {
  return limit && keyed({ ...limit, key: typeof limit.key === "function" ? undefined : limit.key }, undefined);
}
