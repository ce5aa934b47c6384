/** What every server of the HTTP scenario answers, whoever carries it. */

/** Bytes of a small answer. */
export const SMALL = 1024;
/** Bytes of a large one. */
export const LARGE = 1024 * 1024;

const small = "x".repeat(SMALL);
const large = new Uint8Array(LARGE).fill(120);
const PIECE = 64 * 1024;

/** `/small`, `/large`, `/stream` (the large one piece by piece), and `POST /count`, which reads a body and says its size. */
export async function answer(request: Request): Promise<Response> {
  const path = request.url.slice(request.url.lastIndexOf("/"));
  if (path === "/small") return new Response(small, { headers: { "content-type": "text/plain" } });
  if (path === "/large") return new Response(large, { headers: { "content-type": "application/octet-stream" } });
  if (path === "/stream") {
    let at = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(large.subarray(at, at += PIECE));
        if (at >= LARGE) controller.close();
      },
    });
    return new Response(body, { headers: { "content-type": "application/octet-stream" } });
  }
  let size = 0;
  for await (const bytes of request.body ?? []) size += bytes.length;
  return new Response(String(size));
}
