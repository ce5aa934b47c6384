// edge: no Deno, Bun, node: or cloudflare: names
/**
 * The wire: frames, handshake bodies, close codes and limits, for those who write another client.
 * @module
 */
export {
  eachFrame,
  FLAG_ERROR,
  FLAG_PRODUCER_ID,
  FLAG_QUEUE,
  FrameKind,
  FrameWriter,
  isNumbered,
  MessageView,
  readDeliver,
  readRequest,
  readSend,
  readU32,
  readU48,
} from "./frames.ts";
export { writeDeliver, writeReceipts, writeReject } from "./frames_down.ts";
export type { Stamp } from "./frames_down.ts";
export type { FrameVisitor } from "./frames.ts";
export type { Bye, Hello, ResumeClaim, Welcome } from "./handshake.ts";
export type { Identity } from "./principals.ts";
export { PrincipalType } from "./principals.ts";
export { CLOSE_CODES, closeCode, closeCodeFor } from "./close_codes.ts";
export type { CloseClass, CloseCode } from "./close_codes.ts";
export { BEARER_PREFIX, DEFAULT_LIMITS, SUBPROTOCOL } from "./limits.ts";
export type { Limits } from "./limits.ts";
export { decodeStructured, encodeStructured } from "./structured.ts";
export { fromWireError, toWireError } from "./error_wire.ts";
export type { WireError } from "./error_wire.ts";
export type { AetherError, ErrorCode } from "../errors.ts";
