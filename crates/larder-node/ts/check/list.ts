import { invalid } from "../errors.js";
import { checkKey } from "./key.js";
import { isBytes, MAX_VALUE_BYTES, toBytes } from "./value.js";

/** As many bytes of values are copied in one go without stopping the event loop for long. */
const COPIED_BYTES = 2 * 1024 * 1024;

/**
 * The items of a batch as they are now. A large batch is checked over several turns, and the caller, who has been given its
 * promise by then, may do with the list what it wants.
 */
export function takeList<G>(given: Iterable<G>): G[] {
  // A text is a list of characters, and never of keys.
  if (typeof given === "string" || typeof given?.[Symbol.iterator] !== "function") {
    throw invalid("a batch is a list: an array, a Map, or another iterable");
  }
  return Array.from(given);
}

/** A pair of key and value as it was, or what was given in place of one. */
export interface Taken {
  pair: unknown;
  /** The bytes of the value, where they have been copied. */
  bytes: Uint8Array | undefined;
}

/** The pairs of a batch as they are now, and what their arrays of bytes hold, as long as that is not too much to copy. */
export function takePairs(given: Iterable<unknown>): Taken[] {
  let left = COPIED_BYTES;
  return takeList(given).map((pair) => {
    if (!Array.isArray(pair) || pair.length !== 2) return { pair, bytes: undefined };
    const [key, value] = pair as [unknown, unknown];
    const isCopied = isBytes(value) && isUsual(value) && value.byteLength <= left;
    if (isCopied) left -= value.byteLength;
    return { pair: [key, value], bytes: isCopied ? toBytes(value) : undefined };
  });
}

/** Checks a pair; throws what does not name its place, which the caller knows. */
export function checkPair({ pair, bytes }: Taken): readonly [key: string, value: Uint8Array] {
  if (!Array.isArray(pair) || pair.length !== 2) throw invalid("it is no pair of key and value");
  return [checkKey(pair[0]), bytes ?? toBytes(pair[1])];
}

/** Not empty, which may be a buffer that was given away, and not too long: both are refused later, in their places. */
function isUsual({ byteLength }: Uint8Array): boolean {
  return byteLength > 0 && byteLength <= MAX_VALUE_BYTES;
}
