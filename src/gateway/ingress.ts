// edge: no Deno, Bun, node: or cloudflare: names
import type { Context } from "hono";
import { InvalidArgumentError } from "../errors.ts";
import { type Identity, identityTopic, requireSegment } from "../protocol/principals.ts";
import { channelsOf } from "../session/channels.ts";
import { LINK, type StreamLink } from "../session/link.ts";
import { forward } from "../proxy/forward.ts";
import type { Authenticator } from "./auth.ts";
import type { Core } from "./core.ts";
import { localEnd } from "./local_end.ts";

/** Services that are reached at `/s/<implementation>/…` of the gateway's own HTTP app. */
export interface IngressOptions {
  /** Implementations; no others are shown. */
  services: readonly string[];
  /** The workspace requests come from; `default` unless said otherwise. */
  workspace?: string;
  /** How long to wait for the head of an answer, in ms; 30 000 by default. */
  timeoutMs?: number;
}

/** Who asks, as the fabric sees it. */
const IDENTITY: Identity = { type: "user", userId: "ingress", windowId: "http" };
/** Headers that open the gateway, and are nobody else's business. */
const KEYS: ReadonlySet<string> = new Set(["authorization", "x-api-key", "x-tenant-id"]);
/** Where the service is, as the outside sees it: the gateway's to say. */
const PREFIX = "x-forwarded-prefix";
/** Requests that share an end. */
const SHARED = 512;
/** Path in front of every service. */
export const INGRESS_PATH = "/s";
const PLACE = `${INGRESS_PATH}/`;

/** Lets HTTP from outside in, to the services that are shown, as far as its credentials reach. */
export class Ingress {
  readonly #core: Core;
  readonly #auth: Authenticator;
  readonly #services: ReadonlySet<string>;
  readonly #workspace: string;
  readonly #timeoutMs: number | undefined;
  #link: StreamLink | undefined;

  constructor(core: Core, auth: Authenticator, options: IngressOptions) {
    if (!Array.isArray(options.services) || options.services.length === 0) {
      throw new InvalidArgumentError(
        "Cannot open an ingress without services: name their implementations",
        "ingress.services",
      );
    }
    for (const name of options.services) requireSegment(name, "ingress.services");
    this.#core = core;
    this.#auth = auth;
    this.#services = new Set(options.services);
    this.#workspace = requireSegment(options.workspace ?? "default", "ingress.workspace");
    this.#timeoutMs = options.timeoutMs;
  }

  /** Sends a request on whose address names a service as it is shown; undefined for what is to be looked at closer. */
  fetch(request: Request): Promise<Response> | undefined {
    const { url } = request;
    const at = url.indexOf("/", url.indexOf("//") + 2);
    if (!url.startsWith(PLACE, at)) return undefined;
    const from = at + PLACE.length;
    const end = url.indexOf("/", from);
    const implementation = end < 0 ? "" : url.slice(from, end);
    // Not by the app, which would take as long to find the way here as the rest of it takes.
    if (!this.#services.has(implementation)) return undefined;
    return this.#pass(request, implementation, url.slice(at, end)).catch((error) => this.#failed(request, error));
  }

  /** Answers what {@link Ingress.fetch} has not. */
  async handle(c: Context): Promise<Response> {
    const implementation = c.req.param("implementation")!;
    // A service that is not shown and one that is not there look the same from outside.
    if (!this.#services.has(implementation)) return c.json({ title: "Not Found", status: 404 }, 404, PROBLEM);
    const { raw } = c.req;
    const { pathname, search } = new URL(raw.url);
    // As it was written, which may be with more percent signs than it needs: that is what is to be taken off.
    const [prefix] = /^\/[^/]*\/[^/]*/.exec(pathname)!;
    const shown = PLACE + encodeURIComponent(implementation);
    // What a page names beside itself would be looked for beside the service.
    if (prefix === pathname) return c.redirect(`${shown}/${search}`, 308);
    return await this.#pass(raw, implementation, prefix, shown).catch((error) => this.#failed(raw, error));
  }

  /** What a server would show of it is nobody's business. */
  #failed({ signal }: Request, error: unknown): Response {
    if (!signal.aborted) this.#core.logger("error", "gateway.ingress", { error: String(error) });
    return new Response("Internal Server Error", { status: 500 });
  }

  async #pass(raw: Request, implementation: string, prefix: string, shown = prefix): Promise<Response> {
    const workspace = this.#workspace;
    const credentials: Record<string, string> = {};
    const headers: string[] = [PREFIX, shown];
    raw.headers.forEach((value, name) => {
      if (KEYS.has(name)) credentials[name] = value;
      else if (name !== PREFIX) headers.push(name, value);
    });
    const deciding = this.#auth.authenticate({ identity: IDENTITY, workspace, credentials });
    const decision = deciding instanceof Promise ? await deciding : deciding;
    if (!decision.allowed) {
      const status = decision.code === "PERMISSION_DENIED" ? 403 : 401;
      const title = status === 401 ? "Unauthorized" : "Forbidden";
      const headers = status === 401 ? { ...PROBLEM, "www-authenticate": "Bearer" } : PROBLEM;
      return Response.json({ title, status, detail: decision.reason }, { status, headers });
    }
    return forward({ [LINK]: this.#end() }, `sv::${implementation}`, raw, {
      stripPrefix: prefix,
      headers,
      timeoutMs: this.#timeoutMs,
    });
  }

  /** Requests share an end, as those of one client do; one that is full is left to those who have it. */
  #end(): StreamLink {
    if (!this.#link || channelsOf(this.#link).size >= SHARED) {
      const caller = { topic: identityTopic(IDENTITY), workspace: this.#workspace, identity: IDENTITY };
      this.#link = localEnd(this.#core, caller);
    }
    return this.#link;
  }
}

const PROBLEM = { "content-type": "application/problem+json" };
