// edge: no Deno, Bun, node: or cloudflare: names
import * as v from "valibot";
import type { OpGroup } from "../ops.ts";
import { checked } from "./kv_schemas.ts";

const method = v.pipe(v.string(), v.regex(/^[A-Z]{1,32}$/, "must be an upper-case method"));
const path = v.pipe(v.string(), v.startsWith("/"), v.maxLength(1024));

/** What principals say of the HTTP requests they take. */
export class HttpOps implements OpGroup {
  readonly ops: OpGroup["ops"] = {
    "http.serve": {
      check: checked(
        "http.serve",
        v.object({
          methods: v.optional(v.pipe(v.array(method), v.maxLength(32))),
          paths: v.optional(v.pipe(v.array(path), v.maxLength(256))),
          isDraining: v.optional(v.boolean()),
        }),
      ),
      run: ({ streams }, { isDraining = false, ...rules }) => {
        streams.isServing = true;
        streams.rules = rules;
        streams.isDraining = isDraining;
        return null;
      },
    },
  };
}
