/** Parties over NATS core, where a `nats-server` is on PATH. */
import type { Party } from "../lib/scenario.ts";
import { peer, type Presence, present } from "./packages.ts";

interface Message {
  readonly subject: string;
  readonly data: Uint8Array;
  respond(bytes: Uint8Array): boolean;
}
/** A connection, as far as it is used here. */
export interface Connection {
  publish(subject: string, bytes: Uint8Array): void;
  subscribe(subject: string, options: { callback: (error: unknown, message: Message) => void }): unknown;
  request(subject: string, bytes: Uint8Array, options: { timeout: number }): Promise<Message>;
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** Fetches what is missing. */
export function prepare(): Presence {
  const packages = ["nats-core", "transport-node", "jetstream", "kv"];
  return present("nats-server", packages.map((name) => `@nats-io/${name}`));
}

/** Connects. */
export async function connect(url: string): Promise<Connection> {
  type Transport = { connect(options: { servers: string }): Promise<Connection> };
  return await (await peer<Transport>("@nats-io/transport-node")).connect({ servers: url });
}

/** Connects a client. */
export async function join(url: string, index: number): Promise<Party> {
  const connection = await connect(url);
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
