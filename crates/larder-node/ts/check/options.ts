import { invalid } from "../errors.js";

/** The longest lifetime, in milliseconds: a round number whose end is before the year 9999, as the gateway has it (T1). */
const MAX_TTL_MS = 250_000_000_000_000;
const MAX_PAGE_LIMIT = 1_000;
const MIN_I64 = -(2n ** 63n);
const MAX_I64 = 2n ** 63n - 1n;

/**
 * The options that were given, refused if one has another name: an entry must not stay for ever because of a typing error.
 */
export function checkOptions<T extends object>(options: T | undefined, ...known: (keyof T & string)[]): Partial<T> {
  if (options === undefined) return {};
  if (typeof options !== "object" || options === null) {
    throw invalid(`the options are an object, and not ${options === null ? "null" : typeof options}`);
  }
  for (const name of Object.keys(options)) {
    if (!(known as string[]).includes(name)) {
      throw invalid(`there is no option "${name.slice(0, 40)}"; known: ${known.join(", ")}`);
    }
  }
  return options;
}

/** A lifetime in whole milliseconds; fractions round up, so that no entry ends early (T1). */
export function checkTtl(ttlMs: unknown): number | undefined {
  if (ttlMs === undefined) return undefined;
  if (typeof ttlMs !== "number" || Number.isNaN(ttlMs)) {
    throw invalid("the TTL is a number of milliseconds; leave it out for an entry that stays");
  }
  if (ttlMs <= 0) {
    throw invalid("the TTL is zero or less; give at least a millisecond, or none for an entry that stays");
  }
  const whole = Math.ceil(ttlMs);
  if (whole > MAX_TTL_MS) {
    throw invalid(`the TTL has more than ${MAX_TTL_MS} ms; leave it out for an entry that stays`);
  }
  return whole;
}

/** The text of a version. An empty one must never be taken for none. */
export function checkVersion(version: unknown): string | undefined {
  if (version === undefined) return undefined;
  if (typeof version !== "string" || !/^[A-Za-z0-9_-]+$/.test(version)) {
    throw invalid("the version is damaged or was not made by this store; read the entry again");
  }
  return version;
}

/** A yes or no. */
export function checkFlag(name: string, flag: unknown): boolean {
  if (flag === undefined) return false;
  if (typeof flag !== "boolean") throw invalid(`${name} is true or false, and not ${typeof flag}`);
  return flag;
}

/** The most entries of a page (S2). */
export function checkPageLimit(limit: unknown): number | undefined {
  if (limit === undefined) return undefined;
  if (!Number.isInteger(limit) || (limit as number) < 1 || (limit as number) > MAX_PAGE_LIMIT) {
    throw invalid(`the limit is no whole number of 1 to ${MAX_PAGE_LIMIT}, which is what a page has`);
  }
  return limit as number;
}

/** The most entries of a whole scan. */
export function checkScanLimit(limit: unknown): number {
  if (limit === undefined || limit === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY;
  if (!Number.isSafeInteger(limit) || (limit as number) < 1) {
    throw invalid("the limit is no whole number of at least 1; leave it out to scan to the end");
  }
  return limit as number;
}

/** The text of a cursor. */
export function checkCursor(cursor: unknown): string | undefined {
  if (cursor === undefined) return undefined;
  if (typeof cursor !== "string" || cursor === "") {
    throw invalid("the cursor is damaged or was not made by a scan; start the scan without it");
  }
  return cursor;
}

/** What to add to a counter (C1). */
export function checkDelta(delta: unknown): bigint {
  if (delta === undefined) return 1n;
  if (typeof delta === "number") {
    if (!Number.isSafeInteger(delta)) {
      throw invalid("the delta is no whole number that a number holds exactly; give a bigint for large ones");
    }
    return BigInt(delta);
  }
  if (typeof delta !== "bigint" || delta < MIN_I64 || delta > MAX_I64) {
    throw invalid("the delta is no whole number of 64 bits");
  }
  return delta;
}

/** A signal that can be listened to. */
export function checkSignal(signal: unknown): AbortSignal | undefined {
  if (signal === undefined) return undefined;
  if (typeof signal !== "object" || signal === null || !("aborted" in signal) || !("addEventListener" in signal)) {
    throw invalid("the signal is no AbortSignal");
  }
  return signal as AbortSignal;
}
