import assert from "node:assert/strict";
import { test } from "node:test";
import { markHeld, markStreamed, type Streaming } from "./streamed.ts";

test("an answer that was cloned has a second reader, who may be behind: what the first has is not let go", () => {
  const make = (): [Response, Streaming] => {
    const stream = new ReadableStream<Uint8Array<ArrayBuffer>>();
    const [response, by]: [Response, Streaming] = [new Response(stream), { stream }];
    markStreamed(response, by);
    return [response, by];
  };
  const [own, byOwn] = make();
  markHeld(own);
  assert.equal(byOwn.isHeld, true);
  const [cloned, byCloned] = make();
  cloned.clone();
  markHeld(cloned);
  assert.equal(byCloned.isHeld, undefined);
  markHeld(new Response("whole"));
});
