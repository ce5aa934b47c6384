// edge: no Deno, Bun, node: or cloudflare: names
import * as v from "valibot";
import { requireRules } from "../../protocol/http.ts";
import type { OpGroup } from "../ops.ts";
import { checked } from "./kv_schemas.ts";

/** What principals say of the HTTP requests they take. */
export class HttpOps implements OpGroup {
  readonly ops: OpGroup["ops"] = {
    "http.serve": {
      check: checked(
        "http.serve",
        v.object({
          methods: v.optional(v.array(v.string())),
          paths: v.optional(v.array(v.string())),
          isDraining: v.optional(v.boolean()),
        }),
      ),
      run: ({ streams }, { isDraining = false, ...rules }) => {
        streams.rules = requireRules(rules);
        streams.isServing = true;
        streams.isDraining = isDraining;
        return null;
      },
    },
  };
}
