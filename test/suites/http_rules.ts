import type { InvalidArgumentError } from "../../mod.ts";
import { AetherFetchTransport, serveHttp, type ServeHttpOptions } from "../../src/proxy/mod.ts";
import { normalPath, requireRules, rulesFault } from "../../src/protocol/http.ts";
import { equal, rejects } from "./assert.ts";
import { alone, inFabric, type Pair } from "./http_kit.ts";
import { connected, within } from "./state_kit.ts";

/** What a service takes, whoever asks and however it is written. */
export const pairs: Pair[] = [
  alone({
    name: "http: rules are asked about the path a service will see",
    run() {
      const rules = requireRules({ paths: ["/open/*", "/one", "/sp ace", "/in%2Fside", "/100%"] });
      const takes = (path: string): boolean => rulesFault(rules, "GET", normalPath(path)) === undefined;
      for (
        const path of [
          "/open",
          "/open/",
          "/open/x",
          "/open/x%2Fy",
          "/open/a;b=c",
          "/x/../open/y",
          "/one",
          "/one?x",
          "/%6fne",
          "/sp%20ace",
          "/in%2fside",
          "/100%25",
        ]
      ) {
        equal(takes(path), true, path);
      }
      for (
        const path of [
          "/",
          "/openx",
          "/one/",
          "/open/../shut",
          "/open/%2e%2e/shut",
          "//open/x",
          "/shut?/open/x",
          "/open\\..\\shut",
          // An allow-list decoded what a router behind it does not: "/open%2Fx" passed as if it were below "/open/", and
          // servers that cut parameters off a segment resolved "..;" to what the list does not name.
          "/open%2Fx",
          "/open%5Cx",
          "/in/side",
          "/open/..;/shut",
          "/open/..;a=b/shut",
          "/open/.;/shut",
          "/open/%2e%2e;/shut",
          "/open/..%3b/shut",
          "/open/%252e%252e/../../shut",
        ]
      ) {
        equal(takes(path), false, path);
      }
      equal(rulesFault({ paths: ["/*"] }, "GET", "/x;/..;/y") === undefined, true);
      equal(
        [rulesFault({ methods: ["GET"] }, "GET", "/"), rulesFault({ methods: ["GET"] }, "get", "/") === undefined],
        [null, false],
      );
    },
  }),
  alone({
    name: "http: a rule that would match nothing, or something else than it says, is refused",
    run() {
      const { methods, paths } = requireRules({ methods: ["get", "M-SEARCH", "Own"], paths: ["/%61", "/a%2fb", "/*"] });
      equal([methods, paths], [["GET", "M-SEARCH", "Own"], ["/a", "/a%2Fb", "/*"]]);
      const wrong: [string, unknown][] = [
        ...["patch", "", "G T", "CONNECT", "trace", 7].map((one): [string, unknown] => ["methods", [one]]),
        ["methods", "GET"],
        ["methods", Array(33).fill("GET")],
        ...["", "open/*", "*", "/a*", "/*/a", "/a?b", "/a#b", "/a\\b", "/a/../b", "/a/%2e%2e", "/%ff", "/a\n", 7]
          .map((one): [string, unknown] => ["paths", [one]]),
        ["paths", "/open/*"],
        ["paths", ["/" + "x".repeat(1024)]],
      ];
      for (const [name, list] of wrong) {
        let thrown: unknown;
        try {
          requireRules({ [name]: list });
        } catch (error) {
          thrown = error;
        }
        const { name: kind, argument } = (thrown ?? {}) as InvalidArgumentError;
        equal([kind, argument === "method" ? "methods" : argument], ["InvalidArgumentError", name], String(list));
      }
    },
  }),
  // The list was kept to by the gateway alone, which has not heard of it yet when a session begins over a slow line, and
  // never did when it was malformed: until then, or for good, everything reached the handler.
  inFabric("nothing passes a service's rules before the gateway has heard of them", async (fabric) => {
    const [agent] = await connected(fabric.agent());
    const service = fabric.service();
    const seen: string[] = [];
    serveHttp(service, ({ method, url }) => {
      seen.push(`${method} ${new URL(url).pathname}`);
      return new Response("ok");
    }, { methods: ["get"], paths: ["/open/*"] });
    const { fetch } = new AetherFetchTransport(agent, service.topic, 1000);
    const ask = async (): Promise<void> => {
      for (let round = 0; round < 20; round++) {
        fetch("/admin", { method: "DELETE" }).catch(() => {});
        fetch("/admin").catch(() => {});
        await fabric.advance(5);
      }
    };
    fabric.faults.delay(service, 30);
    const connecting = service.connect();
    await ask();
    await ask();
    await connecting;
    equal(await (await within(fabric, fetch("/open/a"), "1s")).text(), "ok");
    await fabric.faults.restartGateway();
    for (let round = 0; round < 10; round++) await ask();
    equal(seen, ["GET /open/a"]);
  }),
  inFabric("rules that cannot be kept to are refused before anything is served", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    for (
      const [options, right] of [[{ paths: ["open/*"] }, /begin with "\/"/], [
        { methods: ["patch"] },
        /"PATCH"/,
      ]] as [ServeHttpOptions, RegExp][]
    ) {
      let thrown: unknown;
      try {
        serveHttp(service, () => new Response("reached"), options);
      } catch (error) {
        thrown = error;
      }
      equal((thrown as Error | undefined)?.name, "InvalidArgumentError", JSON.stringify(options));
      equal(right.test((thrown as Error).message), true, (thrown as Error).message);
    }
    await rejects(new AetherFetchTransport(agent, service.topic).fetch("/"), "ProxyHttpError");
    serveHttp(service, () => new Response("reached"));
  }),
];
