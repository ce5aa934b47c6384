// edge: no Deno, Bun, node: or cloudflare: names
import { InvalidArgumentError } from "../errors.ts";

/**
 * A schema of any library that keeps to Standard Schema 1 (valibot, zod, arktype and others). The types are those of
 * https://standardschema.dev, written out here so that nothing has to be imported for them.
 */
export interface StandardSchemaV1<Input = unknown, Output = Input> {
  /** What the standard asks for. */
  readonly "~standard": StandardProps<Input, Output>;
}

/** What a Standard Schema says of itself. */
export interface StandardProps<Input = unknown, Output = Input> {
  /** Version of the standard. */
  readonly version: 1;
  /** The library it comes from. */
  readonly vendor: string;
  /** Checks a value. */
  readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
  /** For the type system only. */
  readonly types?: { readonly input: Input; readonly output: Output } | undefined;
}

/** A value that was checked, or what is wrong with it. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

/** One thing that is wrong. */
export interface StandardIssue {
  /** In words. */
  readonly message: string;
  /** Where, from the outside in. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** An issue as our errors carry it. */
export interface Issue {
  /** Where, such as `items.0.url`; empty for the value itself. */
  path: string;
  /** In words. */
  message: string;
}

/**
 * Checks a value and returns what the schema made of it.
 * @param what what the value is, for the message
 * @throws {InvalidArgumentError} whose `details.issues` say where it is wrong
 */
export async function validate<Output>(
  schema: StandardSchemaV1<unknown, Output>,
  value: unknown,
  what: string,
): Promise<Output> {
  const result = await schema["~standard"].validate(value);
  if (!result.issues) return result.value;
  const issues = result.issues.map(({ message, path = [] }): Issue => ({
    path: path.map((part) => String(typeof part === "object" ? part.key : part)).join("."),
    message,
  }));
  const words = issues.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join("; ");
  throw new InvalidArgumentError(`Cannot use this ${what}: ${words}`, what, { details: { issues } });
}
