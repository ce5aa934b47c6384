/**
 * Parties over a gRPC bidirectional stream, by `@grpc/grpc-js`. Bytes go as they are: what a message format costs is not
 * counted against it.
 */
import { Buffer } from "node:buffer";
import { framed } from "../controls/framed.ts";
import type { Party } from "../lib/scenario.ts";
import { peerOf } from "./packages.ts";

interface Stream {
  on(event: string, heard: (value: Uint8Array) => void): void;
  write(bytes: Uint8Array): boolean;
  end(): void;
}
interface Grpc {
  readonly Client: new (address: string, credentials: unknown) => {
    makeBidiStreamRequest(
      path: string,
      serialize: (bytes: Uint8Array<ArrayBuffer>) => unknown,
      deserialize: (bytes: Uint8Array) => Uint8Array,
    ): Stream;
    close(): void;
  };
  readonly credentials: { createInsecure(): unknown };
}

/** Opens a stream on a connection of its own. */
export async function join(url: string, index: number): Promise<Party> {
  const { Client, credentials } = peerOf<Grpc>("@grpc/grpc-js");
  const client = new Client(url, credentials.createInsecure());
  const stream = client.makeBidiStreamRequest(
    "/bench.Relay/Connect",
    (bytes) => Buffer.from(bytes.buffer),
    (bytes) => bytes,
  );
  stream.on("error", () => {});
  const close = (): Promise<void> => {
    stream.end();
    return Promise.resolve(client.close());
  };
  const { party, received } = framed(index, (bytes) => stream.write(bytes), close);
  // The first message says who this is, and its answer that the server knows.
  const known = new Promise<void>((resolve) => {
    let isFirst = true;
    stream.on("data", (bytes) => {
      if (!isFirst) return received(bytes);
      isFirst = false;
      resolve();
    });
  });
  stream.write(new Uint8Array([index & 255, index >> 8]));
  await known;
  return party;
}
