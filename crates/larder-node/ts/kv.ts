import type { LarderError } from "./errors.js";

/**
 * What can be stored: bytes and text as they are, everything else as JSON, up to 24,576 bytes.
 *
 * Text is stored without quotes: read it with {@link Kv.getText}, and not with {@link Kv.getJson}.
 */
export type Value = string | Uint8Array | object | number | boolean | null;

/** What every call takes. */
export interface CallOptions {
  /**
   * Ends the call, which then rejects with the signal's reason. A write that was under way may have been applied, or may
   * still be.
   */
  signal?: AbortSignal | undefined;
}

/** How to store. */
export interface SetOptions extends CallOptions {
  /**
   * How long the entry lives, in milliseconds from now, above 0 and at most 250,000,000,000,000; fractions round up. Without
   * it the entry stays, also over one that had a lifetime.
   */
  ttlMs?: number | undefined;
  /** Stores only if the key is absent. An expired entry is absent. */
  ifNotExists?: boolean | undefined;
  /** Stores only if the entry still has this version. Not together with `ifNotExists`. */
  ifVersion?: string | undefined;
}

/** How to store many. */
export interface SetManyOptions extends CallOptions {
  /** How long all of them live, as {@link SetOptions.ttlMs}. */
  ttlMs?: number | undefined;
}

/** Under which condition to delete, or to give another lifetime. */
export interface VersionOptions extends CallOptions {
  /** Only if the entry still has this version. */
  ifVersion?: string | undefined;
}

/** How to count. */
export interface IncrementOptions extends CallOptions {
  /** How long the counter lives if this call makes it, in milliseconds. One that is there keeps its lifetime. */
  ttlMs?: number | undefined;
}

/** Which page of a scan. */
export interface PageOptions extends CallOptions {
  /** The most entries of the page, 1 to 1,000; 100 unless told. */
  limit?: number | undefined;
  /** Where to go on: the `cursor` of the page before, which was of the same prefix. */
  cursor?: string | undefined;
}

/** How to scan to the end. */
export interface ScanOptions extends CallOptions {
  /** The most entries of the whole scan, at least 1; all of them unless told. */
  limit?: number | undefined;
  /**
   * Is told of each record that cannot be decoded, and the scan goes on. Without it the scan rejects at the first one: no
   * record is passed over in silence.
   */
  onCorrupt?: ((error: LarderError) => void) | undefined;
}

/** What is known of an entry beside its value. */
export interface EntryInfo {
  /** The key. */
  key: string;
  /** Its state, for {@link SetOptions.ifVersion}: opaque, of this key, and different after every write. */
  version: string;
  /** The lifetime that remained when the entry was read, in milliseconds; undefined for one that stays. */
  ttlMs: number | undefined;
}

/** A live entry. */
export interface Entry extends EntryInfo {
  /** The value, byte for byte. */
  value: Uint8Array;
}

/** Some entries of a scan, in key order. */
export interface Page<T> {
  /** The entries. */
  items: T[];
  /** Records of the page that cannot be decoded; each names its key, where that is known. */
  errors: LarderError[];
  /** Where to go on; undefined when the scan is at its end. It holds a key: treat it like one. */
  cursor: string | undefined;
}

/** What became of a {@link Kv.put}. */
export type PutResult =
  /** The value is stored and durable, under this version. */
  | { stored: true; version: string }
  /** The condition did not hold, and nothing changed. */
  | { stored: false };

/** What became of a {@link Kv.touch}. */
export type TouchResult =
  /** The entry has the lifetime, and this version. */
  | { touched: true; version: string }
  /** There is no entry, or it has another version, and nothing changed. */
  | { touched: false; reason: "absent" | "version" };

/**
 * A key-value store.
 *
 * The same calls mean the same on every store and over both transports: the clauses in `docs/contract.md`. A key is any text
 * of 1 to 512 bytes, where a byte outside `A-Z a-z 0-9 - _ : .` counts three. Everything rejects with a
 * {@link LarderError}, or with the reason of the signal that ended it. Arguments are checked before anything is sent.
 */
export interface Kv extends AsyncDisposable {
  /**
   * Reads a value.
   *
   * @returns The bytes; undefined if the key is absent or has expired. An outage is an error, and never undefined.
   */
  get(key: string, options?: CallOptions): Promise<Uint8Array | undefined>;

  /**
   * Reads a value as text.
   *
   * @throws `Corrupt` if it is not UTF-8.
   */
  getText(key: string, options?: CallOptions): Promise<string | undefined>;

  /**
   * Reads a value as JSON. Nothing checks that it is a `T`.
   *
   * @throws `Corrupt` if it is not JSON.
   */
  getJson<T = unknown>(key: string, options?: CallOptions): Promise<T | undefined>;

  /** Reads an entry: the value, its version, and the lifetime that remains. Undefined as in {@link Kv.get}. */
  entry(key: string, options?: CallOptions): Promise<Entry | undefined>;

  /** Whether the key is there. The value is not sent. */
  exists(key: string, options?: CallOptions): Promise<boolean>;

  /**
   * Stores a value, durably.
   *
   * @returns Whether it was stored: false only if the condition of `ifNotExists` or `ifVersion` did not hold.
   * @throws `Ambiguous` if the value may have been stored.
   */
  set(key: string, value: Value, options?: SetOptions): Promise<boolean>;

  /** The same as {@link Kv.set}, for those who need the new version. */
  put(key: string, value: Value, options?: SetOptions): Promise<PutResult>;

  /**
   * Makes a key absent.
   *
   * @returns True, also if the key was absent already; false only if `ifVersion` did not hold.
   */
  delete(key: string, options?: VersionOptions): Promise<boolean>;

  /**
   * Gives an entry another lifetime, in milliseconds from now, without sending its value; null lets it stay.
   */
  touch(key: string, ttlMs: number | null, options?: VersionOptions): Promise<TouchResult>;

  /**
   * Adds to a counter, 1 unless told. An absent one starts from 0.
   *
   * @returns This call's own sum, whoever else adds; a bigint, since it has 64 bits.
   * @throws `InvalidInput` if the value is no decimal number or the sum is out of range, and nothing changed; `Ambiguous` if
   * it may have been counted: another call may count twice.
   */
  increment(key: string, delta?: number | bigint, options?: IncrementOptions): Promise<bigint>;

  /**
   * Goes through the live entries under a prefix, in key order, each once; the empty prefix is that of all.
   *
   * They are read in pages, at most one ahead. Leaving the loop ends the scan.
   */
  scan(prefix?: string, options?: ScanOptions): AsyncGenerator<Entry, void, undefined>;

  /** The same without the values, which are not sent. */
  scanKeys(prefix?: string, options?: ScanOptions): AsyncGenerator<EntryInfo, void, undefined>;

  /** Reads one page of the entries under a prefix. It may be short and still have a cursor. */
  scanPage(prefix?: string, options?: PageOptions): Promise<Page<Entry>>;

  /** The same without the values. */
  scanKeysPage(prefix?: string, options?: PageOptions): Promise<Page<EntryInfo>>;

  /**
   * Reads many keys. They are not one snapshot.
   *
   * @returns An answer for each key, in their order, as of `Promise.allSettled`: {@link valuesOf} takes them out.
   */
  getMany(keys: Iterable<string>, options?: CallOptions): Promise<PromiseSettledResult<Entry | undefined>[]>;

  /**
   * Stores many values, pairs of key and value such as a `Map` has, without conditions. It is not atomic; of a key that is
   * there twice the last value counts.
   *
   * The list is read before the call returns, and up to 1 MiB of its arrays of bytes is copied. What is beyond that, and
   * objects that are stored as JSON, must stay as they are until it resolves: a large batch is prepared over several turns.
   *
   * @returns The new version for each pair, in their order, or why it was not stored.
   */
  setMany(
    entries: Iterable<readonly [key: string, value: Value]>,
    options?: SetManyOptions,
  ): Promise<PromiseSettledResult<string>[]>;

  /** Makes many keys absent. It is not atomic. An answer for each key, in their order. */
  deleteMany(keys: Iterable<string>, options?: CallOptions): Promise<PromiseSettledResult<void>[]>;

  /**
   * Lets go of the store: `await using cache = await kv("cache")` does so at the end of its block. Calls from then on reject
   * with `InvalidInput`; those that were begun before come to their end, whole batches too, and so does the page that a scan
   * is reading, but not its next one. In this process it resolves behind them: an embedded store is closed with the last
   * handle on it, and can then be opened by others. Over HTTP there is nothing to close, and it waits for nothing.
   */
  [Symbol.asyncDispose](): Promise<void>;
}

/** The values of a batch's answers; throws the first error among them. */
export function valuesOf<T>(answers: readonly PromiseSettledResult<T>[]): T[] {
  return answers.map((answer) => {
    if (answer.status === "rejected") throw answer.reason;
    return answer.value;
  });
}
