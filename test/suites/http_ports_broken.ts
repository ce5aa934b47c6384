import type { Case } from "../harness.ts";
import { equal } from "./assert.ts";
import { atPort } from "./http_port_kit.ts";

/** What goes wrong between a gateway's own port and who calls it. */
export const cases: Case[] = [
  atPort(
    "who asks for a WebSocket where there is none, and leaves, harms nobody",
    () => new Response("ok"),
    async ({ wire }) => {
      // On Node "//" could not be read as an address, and what that threw ended the process; so did a refused socket that was reset.
      for (
        const address of ["//", "//x:y/", "*", "http://[/", "/v1/connect?%", "/%", ...Array<string>(50).fill("/s/web/")]
      ) {
        const one = await wire();
        const key = "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        await one.send(
          `GET ${address} HTTP/1.1\r\nhost: test\r\nconnection: upgrade\r\nupgrade: websocket\r\n${key}\r\n`,
        );
        if (address === "/s/web/") {
          one.reset();
          continue;
        }
        const answer = await one.answer().catch(() => undefined);
        if (answer) equal(answer.status >= 400, true, `${address}: ${answer.status}`);
      }
      const next = await wire();
      await next.ask("/");
      equal((await next.answer()).body, "ok");
    },
  ),
];
