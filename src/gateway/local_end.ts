// edge: no Deno, Bun, node: or cloudflare: names
import { Handlers } from "../base/emitter.ts";
import { eachFrame, FrameWriter } from "../protocol/frames.ts";
import type { HttpRequestHead } from "../protocol/http.ts";
import { StreamKind } from "../protocol/stream_frames.ts";
import { encodeStructured } from "../protocol/structured.ts";
import type { StreamLink } from "../session/link.ts";
import type { StreamEnd } from "../session/stream_port.ts";
import type { Core } from "./core.ts";
import type { Caller } from "./openings.ts";
import { type StreamHost, StreamTable } from "./streams.ts";

/**
 * An end of streams inside the gateway's own process: what a client has over its socket, without one. HTTP that comes in by
 * a port is sent on by it, and the program around the gateway calls services with it.
 */
export function localEnd(core: Core, caller: Caller): StreamLink {
  return new LocalEnd(core, caller).link;
}

class LocalEnd {
  readonly link: StreamLink;
  readonly #host: StreamHost;
  readonly #up = new FrameWriter();
  readonly #down = new FrameWriter();
  #isScheduled = false;

  constructor(core: Core, caller: Caller) {
    const schedule = (): void => this.#schedule();
    const report = (error: unknown): void => core.logger("error", "gateway.local", { error: String(error) });
    const host: StreamHost = this.#host = {
      caller,
      writer: this.#down,
      ended: false,
      touch: schedule,
      get streams() {
        return table;
      },
      // Answers come as they are: to lay them out for a socket and walk them again would cost as much as the rest.
      take: (kind, bytes, start, end) => this.link.streams!.received(kind, bytes, start, end),
    };
    const table = new StreamTable(host, core.splicer);
    this.link = {
      state: "ready",
      onState: new Handlers(report),
      writer: this.#up,
      schedule,
      streams: undefined,
      options: { clock: core.clock },
      report,
      open(stream, kind, topic, isEnd, head) {
        const said = kind === StreamKind.Http ? head as HttpRequestHead : encodeStructured(head);
        table.opened({ stream, kind, topic, isEnd, head: said });
      },
    };
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(this.#turn);
  }

  /** What else there is to say, as a socket would: control frames first, then data, each way. */
  readonly #turn = (): void => {
    this.#isScheduled = false;
    const up = (bytes: Uint8Array): void => this.#each(bytes, this.#host.streams);
    const down = (bytes: Uint8Array): void => this.#each(bytes, this.link.streams!);
    this.link.streams?.flush(this.#up, up);
    if (this.#up.size > 0) up(this.#up.take());
    this.#host.streams.flush(this.#down, down);
    if (this.#down.size > 0) down(this.#down.take());
  };

  /** There is no connection to end here: a frame that cannot be taken is lost, and no other one. */
  #each(bytes: Uint8Array, end: Pick<StreamEnd, "received">): void {
    eachFrame(bytes, (kind, frame, from, to) => {
      try {
        end.received(kind, frame, from, to);
      } catch (error) {
        this.link.report(error);
      }
    });
  }
}
