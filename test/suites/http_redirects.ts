import { serveHttp } from "../../src/proxy/mod.ts";
import { equal, rejects } from "./assert.ts";
import { aborted, both, hand, type Pair, soon } from "./http_kit.ts";
import { bytes } from "./state_kit.ts";

/** Tells what it got at /end; elsewhere it redirects as the query says, with a body nobody reads. */
async function redirecting(request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  const to = searchParams.get("to");
  if (to !== null || pathname === "/loop") {
    const headers: Record<string, string> = to === "" ? {} : { location: to ?? "/loop" };
    return new Response("moved", { status: Number(searchParams.get("status") ?? 302), headers });
  }
  const type = request.headers.get("content-type")?.replace(/;.*/, "") ?? null;
  return Response.json([request.method, pathname, await request.text(), type, request.headers.get("x-kept")]);
}

/** Redirects, as the fetch standard has them, within one service. */
export const pairs: Pair[] = [
  both("redirects are followed, and the answer says so", async ({ service, transport }) => {
    serveHttp(service, redirecting);
    const { fetch } = transport();
    const response = await fetch("http://h/a?to=/b%3Fto%3D/end", { headers: { "x-kept": "1" } });
    equal([response.redirected, response.url], [true, "http://h/end"]);
    equal(await response.json(), ["GET", "/end", "", null, "1"]);
    for (
      const [from, to, end] of [["/d/a", "b", "/d/b"], ["/d/a", "../b", "/b"], ["//d/a", "b", "//d/b"], [
        "/d/",
        "?",
        "/d/",
      ]]
    ) {
      const { url } = await fetch(`http://h${from}?to=${encodeURIComponent(to)}`);
      equal(url.replace(/\?$/, ""), `http://h${end}`, `${from} to ${to}`);
    }
  }),
  both(
    "303 becomes GET, 301 and 302 do so for POST, 307 and 308 repeat the request",
    async ({ service, transport }) => {
      serveHttp(service, redirecting);
      const { fetch } = transport();
      const ask = async (status: number, method: string): Promise<unknown> => {
        const body = method === "GET" ? undefined : "text";
        const response = await fetch(`/a?to=/end&status=${status}`, { method, body, headers: { "x-kept": "1" } });
        return await response.json();
      };
      const again = (method: string): unknown => [method, "/end", "text", "text/plain", "1"];
      const get = ["GET", "/end", "", null, "1"];
      for (const status of [301, 302, 303]) equal(await ask(status, "POST"), get, `${status} POST`);
      for (const status of [307, 308]) equal(await ask(status, "POST"), again("POST"), `${status} POST`);
      for (const status of [301, 302, 307, 308]) equal(await ask(status, "PUT"), again("PUT"), `${status} PUT`);
      equal(await ask(303, "PUT"), get, "303 PUT");
      equal((await fetch("/a?to=/end&status=303", { method: "HEAD" })).status, 200);
    },
  ),
  both("every body but a stream is sent again", async ({ service, transport }) => {
    serveHttp(service, redirecting);
    const { fetch } = transport();
    const form = new FormData();
    form.append("name", "ada");
    const bodies = [bytes("x"), new Blob(["x"], { type: "text/x" }), new URLSearchParams("x"), form];
    for (const body of bodies) {
      const response = await fetch("/a?to=/end&status=307", { method: "POST", body });
      const [, , text, type] = await response.json();
      const isForm = body === form;
      equal(isForm ? /ada/.test(text) : text.replace("=", ""), isForm ? true : "x");
      if (isForm) equal(type, "multipart/form-data");
    }
    const stream = new Response("x").body!;
    const error = await rejects(fetch("/a?to=/end&status=307", { method: "POST", body: stream }), "ProxyHttpError");
    equal(/stream/.test(error.message), true);
    equal((await fetch("/a?to=/end&status=303", { method: "POST", body: new Response("x").body! })).status, 200);
  }),
  both("a form that is sent again can be read", async ({ service, transport }) => {
    serveHttp(service, async (request) => {
      if (request.url.endsWith("/first")) return new Response(null, { status: 308, headers: { location: "/second" } });
      return new Response(String((await request.formData()).get("name")));
    });
    const form = new FormData();
    form.append("name", "ada");
    equal(await (await transport().fetch("/first", { method: "POST", body: form })).text(), "ada");
  }),
  both("manual hands the redirect out, error rejects it", async ({ service, transport }) => {
    serveHttp(service, redirecting);
    const { fetch } = transport();
    const response = await fetch("/a?to=/end&status=301", { redirect: "manual" });
    equal([response.status, response.headers.get("location"), await response.text()], [301, "/end", "moved"]);
    await rejects(fetch("/a?to=/end", { redirect: "error" }), "ProxyHttpError");
    await rejects(fetch("/a?to=", { redirect: "error" }), "ProxyHttpError");
    equal((await fetch("/end", { redirect: "error" })).status, 200);
    // Without a location there is nowhere to go.
    const stays = await fetch("/a?to=&status=302");
    equal([stays.status, await stays.text()], [302, "moved"]);
  }),
  both("another origin, no address, and a loop are refused", async ({ service, transport }) => {
    serveHttp(service, redirecting);
    const { fetch } = transport();
    for (const to of ["http://elsewhere/end", "//elsewhere/end", "https://h/end", "data:,x", "http://"]) {
      const error = await rejects(fetch(`http://h/a?to=${encodeURIComponent(to)}`), "ProxyHttpError");
      equal(error.retryable, false, to);
    }
    equal((await fetch("http://h/a?to=http%3A%2F%2Fh%2Fend")).status, 200);
    const error = await rejects(fetch("/loop"), "ProxyHttpError");
    equal(/20/.test(error.message), true, error.message);
  }),
  both("an abort while a redirect is followed reaches who is being asked, and nobody is asked again", async (world) => {
    const { service, transport } = world;
    const asked: string[] = [];
    const begun = Promise.withResolvers<void>();
    const seen = Promise.withResolvers<unknown>();
    const left = hand();
    serveHttp(service, (request) => {
      const { pathname } = new URL(request.url);
      asked.push(`${request.method} ${pathname}`);
      // Nobody reads what a redirect has to say, however long that is.
      if (pathname === "/a") return new Response(left.stream, { status: 307, headers: { location: "/b" } });
      if (pathname === "/b") return new Response(null, { status: 303, headers: { location: "/end" } });
      begun.resolve();
      aborted(request.signal).then(seen.resolve);
      return new Promise<never>(() => {});
    });
    const controller = new AbortController();
    const { signal } = controller;
    const answer = transport().fetch("/a", { method: "POST", body: "text", signal });
    await soon(begun.promise, "the end of the way");
    await soon(left.cancelled, "the first answer to be cancelled");
    controller.abort(new Error("enough"));
    equal((await rejects(answer, "Error")).message, "enough");
    await soon(seen.promise, "the handler's signal");
    equal(asked, ["POST /a", "POST /b", "GET /end"]);
    await rejects(transport().fetch("/a", { method: "POST", body: "text", signal }), "Error");
    equal(asked.length, 3);
  }),
];
