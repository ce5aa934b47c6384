/** Parties over NATS core, where a `nats-server` is on PATH. Its client is fetched for the bench and is no dependency. */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import type { Party } from "../lib/scenario.ts";

interface Message {
  readonly data: Uint8Array;
  respond(bytes: Uint8Array): boolean;
}
interface Connection {
  publish(subject: string, bytes: Uint8Array): void;
  subscribe(subject: string, options: { callback: (error: unknown, message: Message) => void }): unknown;
  request(subject: string, bytes: Uint8Array, options: { timeout: number }): Promise<Message>;
  flush(): Promise<void>;
  close(): Promise<void>;
}

const HOME = new URL("../../.cache/peers/", import.meta.url);
const CLIENT = new URL("node_modules/@nats-io/transport-node/", HOME);

/** Fetches what is missing. Says why there can be no NATS here, or its version. */
export function prepare(): { version: string } | { reason: string } {
  let version: string;
  try {
    version = execFileSync("nats-server", ["--version"], { encoding: "utf8" }).trim();
  } catch {
    return { reason: "no nats-server on PATH" };
  }
  if (fs.existsSync(CLIENT)) return { version };
  fs.mkdirSync(HOME, { recursive: true });
  const packages = ["@nats-io/nats-core", "@nats-io/transport-node"];
  const flags = ["--no-save", "--no-package-lock", "--ignore-scripts", "--prefix", ".cache/peers"];
  try {
    const cwd = new URL("../../", import.meta.url);
    execFileSync("npm", ["install", ...flags, ...packages], { cwd, stdio: "ignore", timeout: 30_000 });
    return { version };
  } catch {
    return { reason: "its TypeScript client could not be installed" };
  }
}

/** Connects a client. */
export async function join(url: string, index: number): Promise<Party> {
  const { main } = JSON.parse(fs.readFileSync(new URL("package.json", CLIENT), "utf8")) as { main: string };
  const transport = (await import(new URL(main, CLIENT).href)) as {
    connect(options: { servers: string }): Promise<Connection>;
  };
  const connection = await transport.connect({ servers: url });
  const subscribe = async (subject: string, heard: (message: Message) => void): Promise<void> => {
    connection.subscribe(subject, { callback: (error, message) => error ? undefined : heard(message) });
    await connection.flush();
  };
  let heard: (bytes: Uint8Array) => void = () => {};
  let echoes = false;
  await subscribe(`message.${index}`, (message) => heard(message.data));
  await subscribe("message.all", (message) => heard(message.data));
  await subscribe(`request.${index}`, (message) => void (echoes && message.respond(message.data)));
  return {
    send: (to, bytes) => void connection.publish(`message.${to}`, bytes),
    broadcast: (bytes) => void connection.publish("message.all", bytes),
    onMessage: (handler) => void (heard = handler),
    request: async (to, bytes) => (await connection.request(`request.${to}`, bytes, { timeout: 5000 })).data,
    echo: () => void (echoes = true),
    close: () => connection.close(),
  };
}
