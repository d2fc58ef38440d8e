import { invalid } from "../errors.js";
import { checkKey } from "./key.js";
import { copy, isBytes, MAX_VALUE_BYTES, toBytes } from "./value.js";

/** As many bytes of values are copied in one go without stopping the event loop for long. */
const COPIED_BYTES = 1024 * 1024;

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

/** A pair of key and value as it was. */
export interface Taken {
  key: unknown;
  value: unknown;
  /** The bytes of the value, where they have been copied. */
  bytes: Uint8Array | undefined;
}

/**
 * The pairs of a batch as they are now, and what their arrays of bytes hold, as long as that is not too much to copy;
 * undefined in place of what is no pair.
 */
export function takePairs(given: Iterable<unknown>): (Taken | undefined)[] {
  let left = COPIED_BYTES;
  return takeList(given).map((pair) => {
    if (!Array.isArray(pair) || pair.length !== 2) return undefined;
    const key: unknown = pair[0];
    const value: unknown = pair[1];
    if (!isBytes(value) || !isUsual(value) || value.byteLength > left) return { key, value, bytes: undefined };
    const bytes = copy(value);
    left -= bytes.byteLength;
    // Of memory that another thread makes longer, it may be too long by now: that is refused in its place.
    return { key, value, bytes: bytes.byteLength <= MAX_VALUE_BYTES ? bytes : undefined };
  });
}

/** Checks a pair; throws what does not name its place, which the caller knows. */
export function checkPair(pair: Taken | undefined): readonly [key: string, value: Uint8Array] {
  if (pair === undefined) throw invalid("it is no pair of key and value");
  return [checkKey(pair.key), pair.bytes ?? toBytes(pair.value)];
}

/** Not empty, which may be a buffer that was given away, and not too long: both are refused later, in their places. */
function isUsual({ byteLength }: Uint8Array): boolean {
  return byteLength > 0 && byteLength <= MAX_VALUE_BYTES;
}
