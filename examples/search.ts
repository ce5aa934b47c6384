/**
 * A search over what examples/word_count.ts has counted, as a service: `npm start -- --demo docs` shows it at `/s/search/`.
 *
 *   browser ──HTTP──▶ gateway ──its connection──▶ search       no port of its own, it may stand behind any NAT
 *   browser ◀─lines── … ◀─ as they are found ── search ◀── key-value store
 */
import { ServiceClient } from "@aether-edge/sdk";
import { serveHttp } from "@aether-edge/sdk/proxy";
import { Hono } from "hono";
import { html } from "hono/html";
import { stream } from "hono/streaming";
import { type Counted, DOCUMENTS, WORKSPACE } from "./word_count.ts";

/** One document a word was found in: a line of the answer. */
export interface Hit {
  name: string;
  count: number;
}

/** Starts the service; it ends with what is returned. */
export async function search(options: { address: string }): Promise<AsyncDisposable> {
  const service = new ServiceClient({ address: options.address, implementation: "search", specifier: "1" });
  const app = new Hono()
    .get("/", (c) => c.html(PAGE))
    .get("/find", (c) => {
      const word = c.req.query("word")?.trim().toLowerCase() ?? "";
      c.header("content-type", "application/x-ndjson");
      // Each line leaves when it is found. A browser that leaves ends the search, too.
      return stream(c, async (out) => {
        for await (const { value } of service.kv().list({ keyPrefix: DOCUMENTS, workspace: WORKSPACE })) {
          if (out.aborted) return;
          const { name, counts } = JSON.parse(new TextDecoder().decode(value)) as Counted;
          const hit: Hit = { name, count: counts[word] ?? 0 };
          if (hit.count > 0) await out.writeln(JSON.stringify(hit));
        }
      });
    });
  const http = serveHttp(service, app.fetch);
  await service.connect();
  return {
    async [Symbol.asyncDispose]() {
      await http.close({ graceMs: 500 });
      await service.disconnect();
    },
  };
}

const PAGE = html`<!doctype html>
<html lang="en">
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Search</title>
  <style>
    body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem; }
    form { display: flex; gap: .5rem; }
    input { flex: 1; font: inherit; padding: .4rem .6rem; }
    button { font: inherit; padding: .4rem 1rem; }
    li { display: flex; justify-content: space-between; gap: 1rem; }
    ul { padding: 0; }
    @media (prefers-color-scheme: dark) { body { background: #111; color: #eee; } }
  </style>
  <h1>Which documents have a word?</h1>
  <form><input name="word" aria-label="Word" autofocus required><button>Search</button></form>
  <ul></ul>
  <p role="status"></p>
  <script type="module">
    const [form, list, status] = ["form", "ul", "p"].map((name) => document.querySelector(name));
    let stop = new AbortController();
    form.onsubmit = async (event) => {
      event.preventDefault();
      stop.abort();
      stop = new AbortController();
      list.replaceChildren();
      const show = (line) => {
        const { name, count } = JSON.parse(line);
        const item = document.createElement("li");
        item.append(name, Object.assign(document.createElement("b"), { textContent: count }));
        list.append(item);
        status.textContent = list.children.length + " so far";
      };
      try {
        const response = await fetch("find?word=" + encodeURIComponent(new FormData(form).get("word")), stop);
        if (!response.ok) throw new Error((await response.json()).detail);
        let rest = "";
        for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
          const lines = (rest + text).split("\\n");
          rest = lines.pop();
          lines.forEach(show);
        }
        status.textContent = list.children.length + " documents";
      } catch (error) {
        if (error.name !== "AbortError") status.textContent = error.message;
      }
    };
    const asked = new URLSearchParams(location.search).get("word");
    if (asked) {
      form.word.value = asked;
      form.requestSubmit();
    }
  </script>
</html>`;
