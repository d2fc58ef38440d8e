import { invalid, LarderError, retold } from "./errors.js";
import { untilTime } from "./turn.js";

/** How many parts of a batch are under way at once. */
const AT_ONCE = 4;

/** How many items are looked at without asking for the time. */
const STRIDE = 64;

/** Checks what was given, item by item, before anything is sent. A large batch does not stop the event loop. */
export async function checkedList<G, C>(given: readonly G[], check: (given: G) => C): Promise<C[]> {
  const checked: C[] = [];
  for (const one of given) {
    const at = checked.length;
    checked.push(retold(() => check(one), (_, message, facts) => invalid(`item ${at}: ${message}`, facts)));
    if (checked.length % STRIDE === 0) await untilTime();
  }
  return checked;
}

/** What a batch sends, and where each of its positions is in that. */
export interface Distinct<V> {
  pairs: [key: string, value: V][];
  places: number[];
}

/** The pairs with the last value of each key: parts are under way at once, and an earlier value could come last. */
export async function distinctOf<V>(given: readonly (readonly [key: string, value: V])[]): Promise<Distinct<V>> {
  const pairs: [key: string, value: V][] = [];
  const places: number[] = [];
  const placeOf = new Map<string, number>();
  for (const [key, value] of given) {
    const place = placeOf.get(key) ?? pairs.length;
    if (place === pairs.length) placeOf.set(key, place);
    pairs[place] = [key, value];
    places.push(place);
    if (places.length % STRIDE === 0) await untilTime();
  }
  return { pairs, places };
}

/** The answers of what was sent, put to every position. */
export async function spread<A>(answers: readonly A[], places: readonly number[]): Promise<A[]> {
  const all: A[] = [];
  for (const place of places) {
    all.push(answers[place] as A);
    if (all.length % STRIDE === 0) await untilTime();
  }
  return all;
}

/** One part of a batch: the items from one place on. */
interface Part<I> {
  from: number;
  items: I[];
}

/** How large a part may be. */
export interface PartLimits<I> {
  items: number;
  bytes: number;
  bytesOf: (item: I) => number;
}

/**
 * Runs a batch in parts that are small enough for a request, some at once, and puts the answers together in order.
 *
 * A part that fails as a whole fails at each of its places: what became of the others is known all the same. Only a signal
 * ends them all, and a defect, which is no `LarderError`.
 */
export async function inParts<I, O>(
  given: readonly I[],
  limits: PartLimits<I>,
  run: (items: I[]) => Promise<PromiseSettledResult<O>[]>,
  signal: AbortSignal | undefined,
): Promise<PromiseSettledResult<O>[]> {
  const answers: PromiseSettledResult<O>[] = new Array(given.length);
  const running = new Set<Promise<void>>();
  for await (const part of parts(given, limits)) {
    // One that rejects stays among them, where it ends the batch, whenever that is looked at.
    const work: Promise<void> = answer(part, run, answers, signal).then(() => void running.delete(work));
    // Where one ends the batch, nobody waits for the others.
    work.catch(() => {});
    running.add(work);
    if (running.size >= AT_ONCE) await Promise.race(running);
  }
  await Promise.all(running);
  return answers;
}

async function* parts<I>(given: readonly I[], limits: PartLimits<I>): AsyncGenerator<Part<I>> {
  let part: Part<I> = { from: 0, items: [] };
  let size = 0;
  for (const [at, item] of given.entries()) {
    const bytes = limits.bytesOf(item);
    if (part.items.length === limits.items || (part.items.length > 0 && size + bytes > limits.bytes)) {
      yield part;
      await untilTime();
      part = { from: at, items: [] };
      size = 0;
    }
    part.items.push(item);
    size += bytes;
  }
  if (part.items.length > 0) yield part;
}

async function answer<I, O>(
  part: Part<I>,
  run: (items: I[]) => Promise<PromiseSettledResult<O>[]>,
  answers: PromiseSettledResult<O>[],
  signal: AbortSignal | undefined,
): Promise<void> {
  let results: PromiseSettledResult<O>[];
  try {
    results = await run(part.items);
  } catch (reason) {
    if (signal?.aborted || !(reason instanceof LarderError)) throw reason;
    results = part.items.map(() => ({ status: "rejected", reason }));
  }
  results.forEach((result, at) => {
    answers[part.from + at] = result;
  });
}
