// edge: no Deno, Bun, node: or cloudflare: names
import { ConnectionError } from "../errors.ts";
import { type Unsubscribe, unsubscriber } from "../base/emitter.ts";
import { heard, type Link } from "../session/link.ts";

/** What a client loads with its first task, key, checkpoint or progress: who only sends and hears does without. */
type Verbs = typeof import("./verbs.ts");

let verbs: Verbs | undefined;
let loading: Promise<Verbs> | undefined;

function load(): Promise<Verbs> {
  return (loading ??= import("./verbs.ts").catch((cause) => {
    loading = undefined;
    throw new ConnectionError("Cannot load the part of the client that this needs", { cause });
  }));
}

/** Loads it before it is asked for: on virtual time nothing should have to wait for a real import. */
export async function loadVerbs(): Promise<void> {
  verbs = await load();
}

/**
 * Runs something with it: at once when it is there, else when it is loaded, in the order of asking. Like others, the promise
 * may be ignored.
 * @param options what `run` is given: as it is now, also when it has to wait
 */
export function withVerbs<T, Options extends object | undefined = undefined>(
  link: Link,
  run: (verbs: Verbs, options: Options) => Promise<T>,
  options?: Options,
): Promise<T> {
  if (verbs) return run(verbs, options!);
  const kept = copyOf(options);
  // What `run` rejects with is reported there.
  const loaded = heard(link, load());
  // Set by the first of those who wait: any earlier, a call could overtake them.
  const done = loaded.then((them) => run(verbs = them, kept!));
  done.catch(() => {});
  return done;
}

/** The same for what is iterated. */
export function iterateWith<T>(
  link: Link,
  open: (verbs: Verbs) => AsyncIterableIterator<T>,
): AsyncIterableIterator<T> {
  if (verbs) return open(verbs);
  const opened = withVerbs(link, async (them) => await open(them));
  return {
    next: () => opened.then((items) => items.next()),
    return: () => opened.then((items) => items.return!()),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** The same for what is subscribed to. */
export function subscribeWith(link: Link, open: (verbs: Verbs) => () => void): Unsubscribe {
  if (verbs) return unsubscriber(open(verbs));
  let isOver = false;
  let stop: (() => void) | undefined;
  const begin = (them: Verbs): void => {
    verbs = them;
    if (!isOver) stop = open(them);
  };
  heard(link, load().then(begin));
  return unsubscriber(() => {
    isOver = true;
    stop?.();
  });
}

/** Runs something behind all that waits: at once when nothing does. */
export function behindVerbs<T>(run: () => Promise<T>): Promise<T> {
  return verbs || !loading ? run() : loading.then(run, run);
}

/** A copy: its owner may write into the same objects and bytes again meanwhile. */
function copyOf<Options extends object | undefined>(options: Options): Options {
  const { signal, task, ...data } = { ...options } as Record<string, unknown>;
  try {
    return { ...structuredClone(data), signal, task } as unknown as Options;
  } catch {
    return options; // no plain data: said where it is encoded
  }
}
