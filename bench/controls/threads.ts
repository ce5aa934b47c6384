/** What threads cost without us: a job is a message to the next of them, its result a message back. */
import { expect, type Works } from "../lib/scenario.ts";

const ECHO = "onmessage = ({ data }) => postMessage(data);";

/** @param url `threads:<how many>` */
export function works(url: string): Works {
  const source = URL.createObjectURL(new Blob([ECHO], { type: "text/javascript" }));
  const waiting = new Map<number, (bytes: Uint8Array) => void>();
  const threads = Array.from({ length: Number(url.split(":")[1]) || 1 }, () => {
    const thread = new Worker(source, { type: "module" });
    thread.onmessage = ({ data }: MessageEvent<{ id: number; bytes: Uint8Array }>) => {
      waiting.get(data.id)?.(data.bytes);
      waiting.delete(data.id);
    };
    return thread;
  });
  let next = 0;
  return {
    task: (bytes) => {
      const call = async (): Promise<void> => {
        const id = next++;
        const result = new Promise<Uint8Array>((resolve) => waiting.set(id, resolve));
        threads[id % threads.length].postMessage({ id, bytes });
        expect(await result);
      };
      return Promise.resolve({ call });
    },
  };
}

/** The threads are the workers. */
export function labour(): Promise<void> {
  return Promise.resolve();
}
