import type { Entry, EntryInfo, Page, PutResult, TouchResult } from "./kv.js";

/** What must hold for a put to be stored (P1). */
export type Condition = { if: "always" } | { if: "absent" } | { if: "version"; version: string };

/** An answer, where it is in memory, or the promise of it. Who makes a promise of it does so once. */
export type Soon<T> = T | Promise<T>;

/**
 * Whether an answer is still to come. Not by its class: the addon's promises are of the realm that loaded it, and Jest, for
 * one, runs this package in another.
 */
export function isPromised<T>(answer: Soon<T>): answer is Promise<T> {
  return typeof (answer as { then?: unknown } | null | undefined)?.then === "function";
}

/** Which page, and whether with values. */
export interface PageRequest {
  limit: number | undefined;
  cursor: string | undefined;
}

/**
 * The way to a store: what the two transports implement, below the one handle that users hold.
 *
 * Arguments have been checked, values are bytes, and no batch is larger than its {@link BatchLimits}. Failures are
 * `LarderError`s, or the reason of the signal.
 */
export interface Transport {
  readonly limits: BatchLimits;
  /** Whether there is something to close, behind the last call. */
  readonly hasToClose: boolean;
  /**
   * What a get has to wait for first: whoever gets what is at hand, one after the other, would not let the event loop go on.
   * Undefined if it may begin now, or waits by itself.
   */
  turnToGet(signal: AbortSignal | undefined): Promise<void> | undefined;
  /** What is in memory is not wrapped in a promise: see {@link Soon}. */
  get(key: string, signal: AbortSignal | undefined): Soon<Uint8Array | undefined>;
  entry(key: string, signal: AbortSignal | undefined): Promise<Entry | undefined>;
  exists(key: string, signal: AbortSignal | undefined): Promise<boolean>;
  put(
    key: string,
    value: Uint8Array,
    ttlMs: number | undefined,
    condition: Condition,
    signal: AbortSignal | undefined,
  ): Promise<PutResult>;
  delete(key: string, version: string | undefined, signal: AbortSignal | undefined): Promise<boolean>;
  touch(
    key: string,
    ttlMs: number | undefined,
    version: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<TouchResult>;
  increment(
    key: string,
    delta: bigint,
    ttlMs: number | undefined,
    signal: AbortSignal | undefined,
  ): Promise<bigint>;
  page(prefix: string, request: PageRequest, signal: AbortSignal | undefined): Promise<Page<Entry>>;
  keysPage(prefix: string, request: PageRequest, signal: AbortSignal | undefined): Promise<Page<EntryInfo>>;
  getMany(keys: string[], signal: AbortSignal | undefined): Promise<PromiseSettledResult<Entry | undefined>[]>;
  setMany(
    entries: [key: string, value: Uint8Array][],
    ttlMs: number | undefined,
    signal: AbortSignal | undefined,
  ): Promise<PromiseSettledResult<string>[]>;
  deleteMany(keys: string[], signal: AbortSignal | undefined): Promise<PromiseSettledResult<void>[]>;
  /** Lets go of the store. Nothing is called afterwards where {@link Transport.hasToClose}. */
  close(): Promise<void>;
}

/** How large a batch is that a transport is given: what is larger comes in parts. */
export interface BatchLimits {
  /** The most keys whose entries are read. */
  reads: number;
  /** The most keys that are written or deleted. */
  writes: number;
  /** The most bytes of keys and values that are written, unless a single entry has more. */
  bytes: number;
}
