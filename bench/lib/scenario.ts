/** What scenarios, fabrics and the runner agree on. A scenario is written once; ours, a control or a peer plugs in. */

/** One connected participant, numbered from 0. */
export interface Party {
  /** Sends to a party. A promise is the receipt; undefined where the fabric has none. */
  send(to: number, bytes: Uint8Array): Promise<unknown> | undefined;
  /** Sends to every other party. */
  broadcast(bytes: Uint8Array): Promise<unknown> | undefined;
  /** Hears what was sent to it. */
  onMessage(handler: (bytes: Uint8Array) => void): void;
  /** Asks a party and waits for its answer. */
  request(to: number, bytes: Uint8Array): Promise<Uint8Array>;
  /** Answers requests with the bytes they brought. */
  echo(): void;
  /** Leaves. */
  close(): Promise<void>;
}

/** Connects parties to a server. */
export type Join = (url: string, index: number) => Promise<Party>;

/** What a scenario is given. */
export interface Setting {
  readonly join: (index: number) => Promise<Party>;
  /** How long one figure is measured, in ms. */
  readonly ms: number;
  /** Resident bytes of the server process, after a collection. */
  readonly serverMemory: () => Promise<number>;
}

/** Figures by name; the unit is the end of the name. */
export type Figures = Record<string, number>;

/** One scenario. */
export type Scenario = (setting: Setting) => Promise<Figures>;

/** Bytes of every payload. */
export const PAYLOAD_BYTES = 256;

/** A payload. */
export function payload(): Uint8Array {
  return new Uint8Array(PAYLOAD_BYTES).fill(7);
}
