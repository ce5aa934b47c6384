/** Fails unless both sides are the same as JSON. Runs where there is no assert module. */
export function equal(actual: unknown, expected: unknown, what = "value"): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}: expected ${b}, got ${a}`);
}

/** Fails unless the promise rejects with an error of that name; returns it. */
export async function rejects(promise: PromiseLike<unknown>, name: string): Promise<Error & Record<string, unknown>> {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    if (!(error instanceof Error) || error.name !== name) throw new Error(`expected ${name}, got ${error}`);
    return error as Error & Record<string, unknown>;
  }
  throw new Error(`expected ${name}, but it resolved with ${JSON.stringify(value)}`);
}

/** Waits until something holds; fails after five seconds. */
export async function until(holds: () => boolean, what: string, tries = 1000): Promise<void> {
  while (tries-- > 0) {
    if (holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`never happened: ${what}`);
}
