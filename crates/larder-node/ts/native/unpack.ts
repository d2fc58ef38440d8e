import { LarderError } from "../errors.js";
import type { Entry, EntryInfo } from "../kv.js";
import { mayGoOn, untilTime } from "../turn.js";
import type { Packed } from "./addon.js";
import { errorOf, isFailure, type NativeFailure } from "./failure.js";

/** An entry's facts: the key, the version, the lifetime that remains, and the length of the value. */
export type Facts = [key: string, version: string, ttlMs: number | null, length: number];

/** How many entries are taken out without asking for the time. */
const STRIDE = 16;

/** Takes entries and errors out of what the addon packed, in their order. */
export async function unpack<F, T>(
  packed: Packed,
  take: (facts: F) => T,
  fail: (error: LarderError) => void,
  done: (value: T) => void,
  keys?: readonly string[],
): Promise<void> {
  let at = 0;
  for (let facts = packed.takeFacts(); facts !== null; facts = packed.takeFacts()) {
    // Answers of several calls may come in one turn.
    if (!mayGoOn()) await untilTime();
    for (const place of JSON.parse(facts) as (F | NativeFailure)[]) {
      if (isFailure(place)) fail(errorOf(place, { key: keys?.[at] }));
      else done(take(place));
      at += 1;
      if (at % STRIDE === 0 && !mayGoOn()) await untilTime();
    }
  }
}

/** Takes entries with their values: call it for each in order. */
export function takerOf(packed: Packed): (facts: Facts) => Entry {
  return ([key, version, ttlMs, length]) => {
    const value = packed.takeValue(length);
    return { key, value, version, ttlMs: ttlMs ?? undefined };
  };
}

/** Takes what is known of an entry beside its value. */
export function takeInfo([key, version, ttlMs]: Facts): EntryInfo {
  return { key, version, ttlMs: ttlMs ?? undefined };
}
