import { AgentClient, type ClientOptions, TaskClient } from "../../mod.ts";
import { createWorker, defineTask } from "../../src/worker/mod.ts";

const encode = (n: number): Uint8Array => new TextEncoder().encode(String(n));
const decode = (bytes: Uint8Array | undefined): number => Number(new TextDecoder().decode(bytes));
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const KEYS = 20;

const square = defineTask({ type: "square", retry: { maxAttempts: 5 }, run: (n: number) => n * n });

/** What was promised, and what was seen. */
export interface Ledger {
  /** Messages with a receipt. */
  confirmed: Set<number>;
  /** Messages handled, by session and number. */
  handled: { session: string; n: number }[];
  /** Last confirmed value of each key. */
  put: number[];
  /** Increments that were confirmed, and those of which nobody knows. */
  counted: number;
  uncertain: number;
  /** Last confirmed checkpoint. */
  saved: number;
  /** Tasks that were confirmed, with what each must bring. */
  tasks: Map<string, number>;
  /** Attempts whose completion was accepted, by task. */
  accepted: Map<string, number>;
}

/** Real clients that write without pause until they are told to stop. */
export class Load {
  readonly ledger: Ledger = {
    confirmed: new Set(),
    handled: [],
    put: Array.from({ length: KEYS }, () => 0),
    counted: 0,
    uncertain: 0,
    saved: 0,
    tasks: new Map(),
    accepted: new Map(),
  };
  readonly #clients: { sender: AgentClient; receiver: AgentClient; keeper: AgentClient; worker: TaskClient };
  #isOver = false;
  #running: Promise<unknown> | undefined;

  constructor(url: string) {
    const options: ClientOptions = { address: url, reconnectDelay: 50, maxReconnectDelay: 200 };
    const agent = (specifier: string): AgentClient =>
      new AgentClient({ ...options, workspace: "fire", implementation: "agent", specifier });
    const worker = new TaskClient({ ...options, workspace: "fire", implementation: "square" });
    this.#clients = { sender: agent("sender"), receiver: agent("receiver"), keeper: agent("keeper"), worker };
  }

  async start(): Promise<void> {
    const { sender, receiver, keeper, worker } = this.#clients;
    receiver.onMessage((message) => {
      this.ledger.handled.push({ session: receiver.sessionId, n: decode(message.payload) });
    });
    await Promise.all([sender, receiver, keeper, worker].map((client) => client.connect()));
    createWorker(worker, { tasks: [square], slots: 4, reconnectMs: 2_000 }).onEnded(
      ({ assignment: { taskId }, outcome, isAccepted }) => {
        if (!isAccepted || outcome.kind !== "completed") return;
        this.ledger.accepted.set(taskId, (this.ledger.accepted.get(taskId) ?? 0) + 1);
      },
    );
    this.#running = Promise.all([this.#send(), this.#put(), this.#count(), this.#save(), this.#make()]);
  }

  /** Stops writing; resolves when everything under way is settled. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  async disconnect(): Promise<void> {
    await Promise.all(Object.values(this.#clients).map((client) => client.disconnect()));
  }

  /** Repeats a step until the end; what fails while the gateway is away is tried as the next step. */
  async #repeat(step: (n: number) => Promise<void>): Promise<void> {
    for (let n = 1; !this.#isOver; n++) {
      try {
        await step(n);
      } catch {
        await sleep(20); // the ledger says what was promised; a refusal promises nothing
      }
    }
  }

  #send(): Promise<void> {
    const { sender, receiver } = this.#clients;
    const under = new Set<Promise<unknown>>();
    return this.#repeat(async (n) => {
      const sent = sender.send({ targetTopic: receiver.topic, payload: encode(n) }).then(
        () => this.ledger.confirmed.add(n),
        () => {},
      );
      under.add(sent);
      sent.finally(() => under.delete(sent));
      if (under.size >= 50) await Promise.race(under);
      if (n % 20 === 0) await sleep(1);
    }).then(() => Promise.all(under)).then(() => {});
  }

  #put(): Promise<void> {
    const kv = this.#clients.keeper.kv();
    return this.#repeat(async (n) => {
      await kv.put({ key: `key-${n % KEYS}`, value: encode(n), timeout: 20_000 });
      this.ledger.put[n % KEYS] = n;
    });
  }

  #count(): Promise<void> {
    const kv = this.#clients.sender.kv();
    return this.#repeat(async () => {
      try {
        await kv.increment({ key: "count", timeout: 20_000 });
        this.ledger.counted++;
      } catch (error) {
        this.ledger.uncertain++;
        throw error;
      }
    });
  }

  #save(): Promise<void> {
    const checkpoint = this.#clients.keeper.checkpoint();
    return this.#repeat(async (n) => {
      // Over two parts now and then: a checkpoint is there as a whole or not at all.
      const data = new Uint8Array(n % 5 === 0 ? 600_000 : 100).fill(n % 251);
      // The number, and nothing else that could be read as one.
      data.fill(0, 0, 21);
      data.set(encode(n));
      await checkpoint.save({ data, timeout: 20_000 });
      this.ledger.saved = n;
      await sleep(10);
    });
  }

  #make(): Promise<void> {
    return this.#repeat(async (n) => {
      const handle = await this.#clients.keeper.createTask({ task: square, input: n, timeout: 20_000 });
      this.ledger.tasks.set(handle.taskId, n * n);
      if (n % 4 === 0) await sleep(1);
    });
  }

  /** Everything that was promised and is not there, in words; empty when every promise was kept. */
  async faults(): Promise<string[]> {
    const { sender, keeper } = this.#clients;
    const { ledger } = this;
    const faults: string[] = [];
    const results = [...ledger.tasks].map(async ([taskId, expected]) => {
      const brought = await keeper.taskHandle(taskId).result({ signal: AbortSignal.timeout(30_000) }).catch(String);
      if (brought !== expected) faults.push(`task ${taskId} brought ${brought}, not ${expected}`);
      const accepted = ledger.accepted.get(taskId) ?? 0;
      if (accepted > 1) faults.push(`task ${taskId} was completed ${accepted} times`);
    });
    await Promise.all(results);
    const handled = new Set(ledger.handled.map(({ n }) => n));
    for (const n of ledger.confirmed) if (!handled.has(n)) faults.push(`message ${n} was confirmed and never handled`);
    const seen = new Set<string>();
    for (const { session, n } of ledger.handled) {
      if (seen.has(`${session} ${n}`)) faults.push(`message ${n} was handled twice in session ${session}`);
      seen.add(`${session} ${n}`);
    }
    for (const [at, n] of ledger.put.entries()) {
      const there = decode((await keeper.kv().get({ key: `key-${at}` })).value);
      if (n > 0 && !(there >= n)) faults.push(`key-${at} holds ${there}, and ${n} was confirmed`);
    }
    const { counterValue = 0 } = await sender.kv().increment({ key: "count", delta: 0 });
    const [least, most] = [ledger.counted, ledger.counted + ledger.uncertain];
    if (Number(counterValue) < least || Number(counterValue) > most) {
      faults.push(`the counter is ${counterValue}, between ${least} and ${most} was promised`);
    }
    const saved = await keeper.checkpoint().load();
    const text = new TextDecoder().decode(saved.data?.subarray(0, 20));
    const n = parseInt(text, 10);
    if (ledger.saved > 0 && !(n >= ledger.saved)) {
      faults.push(`the checkpoint is ${n}, and ${ledger.saved} was confirmed`);
    }
    const rest = saved.data?.subarray(21) ?? new Uint8Array();
    if (rest.some((byte) => byte !== n % 251)) faults.push(`checkpoint ${n} is mixed with another`);
    return faults;
  }
}
