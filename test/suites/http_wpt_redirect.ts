import type { AetherFetchTransport } from "../../src/proxy/mod.ts";
import type { Case } from "../harness.ts";
import { equal } from "./assert.ts";

type Fetch = AetherFetchTransport["fetch"];

/** A row: which file it comes from, what holds, and what is asked of whom. */
export interface Row {
  from: string;
  says: string;
  skip?: Case["skip"];
  run(fetch: Fetch): Promise<void>;
}

/** The name of what a promise rejects with. */
export const name = async (promise: Promise<unknown>): Promise<string> =>
  await promise.then(() => "none", (error) => error.name);
/** What the server saw of a request. */
export const inspected = async (answer: Promise<Response>) => await (await answer).json();

/** Redirects, of the table in http_wpt.ts. */
export const REDIRECTS: Row[] = [
  {
    from: "api/redirect/redirect-count.any.js",
    says: "twenty redirects are followed, twenty-one are not",
    async run(fetch) {
      for (const status of [301, 302, 303, 307, 308]) {
        equal((await fetch(`/redirect?count=20&status=${status}`)).status, 200);
        equal(await name(fetch(`/redirect?count=21&status=${status}`)), "ProxyHttpError");
      }
    },
  },
  {
    from: "api/redirect/redirect-method.any.js, redirect-location-escape, redirect-empty-location.any.js",
    says: "methods change as browsers have it; bodies and their headers go with them",
    async run(fetch) {
      const headers = { "content-type": "x/y", "content-language": "en", "x-other": "1" };
      const after = async (status: number, method: string, body?: string): Promise<unknown[]> => {
        const { method: seen, body: text, headers: got } = await inspected(
          fetch(`/redirect?status=${status}`, { method, body, headers }),
        );
        return [seen, text, got["content-type"] ?? null, got["content-language"] ?? null, got["x-other"]];
      };
      equal(await after(301, "GET"), ["GET", "", "x/y", "en", "1"]);
      equal(await after(301, "POST", "b"), ["GET", "", null, null, "1"]);
      equal(await after(302, "POST", "b"), ["GET", "", null, null, "1"]);
      equal(await after(303, "POST", "b"), ["GET", "", null, null, "1"]);
      equal(await after(303, "DELETE"), ["GET", "", null, null, "1"]);
      equal(await after(302, "PATCH", "b"), ["PATCH", "b", "x/y", "en", "1"]);
      equal(await after(307, "POST", "b"), ["POST", "b", "x/y", "en", "1"]);
      equal(await after(308, "PUT", "b"), ["PUT", "b", "x/y", "en", "1"]);
      equal(
        await name(fetch("/redirect?count=22&to=")),
        "ProxyHttpError",
        "an empty location is the same address again",
      );
    },
  },
  {
    from: "api/redirect/redirect-mode.any.js, redirect-location.any.js, redirect-origin.any.js",
    says: "follow, manual and error; other origins, schemes and broken addresses are refused",
    async run(fetch) {
      for (const status of [301, 302, 303, 307, 308]) {
        const path = `http://h/redirect?status=${status}`;
        equal(await name(fetch(path, { redirect: "error" })), "ProxyHttpError");
        const manual = await fetch(path, { redirect: "manual" });
        equal([manual.status, manual.url, manual.redirected], [status, path, false]);
        const followed = await fetch(path, { redirect: "follow" });
        equal([followed.status, followed.redirected], [200, true]);
        for (const to of ["mailto:a@a.com", "http://other/", "http://h:81/", "data:text/plain,x", "http://[::"]) {
          const there = `${path}&to=${encodeURIComponent(to)}`;
          equal(await name(fetch(there)), "ProxyHttpError", to);
          equal((await fetch(there, { redirect: "manual" })).headers.get("location"), to);
        }
      }
      equal((await fetch("/status?code=304&empty", { redirect: "error" })).status, 304, "no redirect");
      equal((await fetch("/status?code=300")).status, 300, "nor this");
    },
  },
  {
    from: "api/redirect/redirect-upload.h2.any.js",
    says: "a stream goes along with 303 only",
    async run(fetch) {
      for (const status of [301, 302, 307, 308]) {
        const body = new Response("x").body!;
        const method = "PUT";
        equal(await name(fetch(`/redirect?status=${status}`, { method, body })), "ProxyHttpError", String(status));
      }
      equal((await fetch("/redirect?status=303", { method: "POST", body: new Response("x").body! })).status, 200);
    },
  },
];
