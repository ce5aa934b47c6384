// edge: no Deno, Bun, node: or cloudflare: names
import * as v from "valibot";
import { utf8 } from "../../base/bytes.ts";
import { KV_KEY_BYTES, KV_VALUE_BYTES } from "../../protocol/limits.ts";
import type { OpInput, OpName } from "../../protocol/ops.ts";
import { check, count, segment, text } from "../schemas.ts";
import { isPlainKey, isPlainPut } from "./kv_checks.ts";

const isPlain = (text: string): boolean => text.length * 3 <= KV_KEY_BYTES || utf8(text).length <= KV_KEY_BYTES;
const fits = v.check(isPlain, `must not be longer than ${KV_KEY_BYTES} bytes`);
// Half a character has no UTF-8: two such keys would be one.
const whole = v.check((text: string) => !/\p{Surrogate}/u.test(text), "must be well-formed Unicode");

/** Name of a key or a checkpoint. */
export const keyText = v.pipe(v.string(), v.minLength(1, "must not be empty"), fits, whole);
/** Seconds until it is gone. */
export const ttl = v.optional(v.pipe(v.number(), v.finite(), v.minValue(0), v.maxValue(2 ** 31)));

const bytes = (most: number): v.GenericSchema<Uint8Array> =>
  v.pipe(
    v.instance(Uint8Array, "must be bytes"),
    v.check((value) => value.length <= most, `must not be longer than ${most} bytes`),
  );
const value = bytes(KV_VALUE_BYTES);
const prefix = v.optional(v.pipe(v.string(), fits, whole));
const place = {
  // 0 is what the older system called the default.
  scope: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(8), v.transform((scope) => scope || 2))),
  userId: v.optional(segment),
  workspace: v.optional(segment),
};
const integer = v.union([v.pipe(v.number(), v.safeInteger()), v.bigint()], "must be a whole number");
const condition = { expected: v.optional(value), ifRevision: v.optional(count) };
const limit = v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1000)));
type Condition = { expected?: unknown; ifRevision?: unknown };
const oneCondition = <Input extends Condition>(): v.CheckAction<Input, string> =>
  v.check(
    ({ expected, ifRevision }: Input) => (expected === undefined) !== (ifRevision === undefined),
    "give either expected or ifRevision",
  );

/**
 * Makes the check of one operation.
 * @param isPlain whether the schema would change nothing, found out faster; false when in doubt
 */
export function checked<Name extends OpName>(
  name: Name,
  schema: v.GenericSchema<unknown, unknown>,
  isPlain?: (input: unknown) => boolean,
): (input: unknown) => OpInput<Name> {
  return (input) =>
    isPlain?.(input) ? input as OpInput<Name> : check(schema as v.GenericSchema<unknown, OpInput<Name>>, input, name);
}

/** See {@link OpInput}; one for each operation. */
export const key = checked("kv.get", v.object({ ...place, key: keyText }), isPlainKey);
export const put = checked("kv.put", v.object({ ...place, key: keyText, value, ttl }), isPlainPut);
export const list = checked("kv.list", v.object({ ...place, prefix, cursor: v.optional(v.string()), limit }));
export const add = checked(
  "kv.add",
  v.object({ ...place, key: keyText, ttl, delta: integer, atMost: v.optional(integer), atLeast: v.optional(integer) }),
);
export const putIf = checked(
  "kv.putIf",
  v.pipe(v.object({ ...place, key: keyText, value, ttl, ...condition }), oneCondition()),
);
export const deleteIf = checked(
  "kv.deleteIf",
  v.pipe(v.object({ ...place, key: keyText, ...condition }), oneCondition()),
);
export const setAdd = checked("kv.setAdd", v.object({ ...place, key: keyText, member: bytes(KV_KEY_BYTES), ttl }));
export const changes = checked(
  "kv.changes",
  v.object({
    ...place,
    key: v.optional(keyText),
    prefix,
    after: v.optional(count),
    cursor: v.optional(text),
    limit,
  }),
);
