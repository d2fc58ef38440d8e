import { checkedList, inParts, type PartLimits } from "./batch.js";
import { checkKey, checkPrefix } from "./check/key.js";
import {
  checkCursor, checkDelta, checkFlag, checkOptions, checkPageLimit, checkScanLimit, checkSignal, checkTtl, checkVersion,
} from "./check/options.js";
import { fromJson, toBytes, toText } from "./check/value.js";
import { invalid, LarderError, retold } from "./errors.js";
import type {
  CallOptions, Entry, EntryInfo, IncrementOptions, Kv, Page, PageOptions, PutResult, ScanOptions, SetManyOptions,
  SetOptions, TouchResult, Value, VersionOptions,
} from "./kv.js";
import { items } from "./scan.js";
import type { Condition, PageRequest, Transport } from "./transport.js";

/** What users hold: checks and decodes once, for both transports. */
export class Handle implements Kv {
  readonly #binding: string;
  #transport: Transport | undefined;

  constructor(binding: string, transport: Transport) {
    this.#binding = binding;
    this.#transport = transport;
  }

  async get(key: string, options?: CallOptions): Promise<Uint8Array | undefined> {
    // The most frequent call, mostly without options: looking into none is left out.
    const signal = options === undefined ? undefined : signalOf(options);
    const found = this.#open().get(checkKey(key), signal);
    // Not awaited where it is there: that would make another promise of it.
    return found instanceof Promise ? await found : found;
  }

  async getText(key: string, options?: CallOptions): Promise<string | undefined> {
    return this.#decoded(key, await this.get(key, options), toText);
  }

  async getJson<T = unknown>(key: string, options?: CallOptions): Promise<T | undefined> {
    return this.#decoded(key, await this.get(key, options), fromJson) as T | undefined;
  }

  async entry(key: string, options?: CallOptions): Promise<Entry | undefined> {
    return await this.#open().entry(checkKey(key), signalOf(options));
  }

  async exists(key: string, options?: CallOptions): Promise<boolean> {
    return await this.#open().exists(checkKey(key), signalOf(options));
  }

  async set(key: string, value: Value, options?: SetOptions): Promise<boolean> {
    return (await this.put(key, value, options)).stored;
  }

  async put(key: string, value: Value, options?: SetOptions): Promise<PutResult> {
    const given = checkOptions(options, "ttlMs", "ifNotExists", "ifVersion", "signal");
    const ttlMs = checkTtl(given.ttlMs);
    const condition = conditionOf(given);
    return await this.#open().put(checkKey(key), toBytes(value), ttlMs, condition, checkSignal(given.signal));
  }

  async delete(key: string, options?: VersionOptions): Promise<boolean> {
    const given = checkOptions(options, "ifVersion", "signal");
    return await this.#open().delete(checkKey(key), checkVersion(given.ifVersion), checkSignal(given.signal));
  }

  async touch(key: string, ttlMs: number | null, options?: VersionOptions): Promise<TouchResult> {
    const given = checkOptions(options, "ifVersion", "signal");
    // Null, and not undefined, which a forgotten argument is: no entry stays because of that.
    if (ttlMs === undefined) throw invalid("the TTL is missing; give milliseconds, or null for an entry that stays");
    const lifetime = ttlMs === null ? undefined : checkTtl(ttlMs);
    const version = checkVersion(given.ifVersion);
    return await this.#open().touch(checkKey(key), lifetime, version, checkSignal(given.signal));
  }

  async increment(key: string, delta?: number | bigint, options?: IncrementOptions): Promise<bigint> {
    const given = checkOptions(options, "ttlMs", "signal");
    const ttlMs = checkTtl(given.ttlMs);
    return await this.#open().increment(checkKey(key), checkDelta(delta), ttlMs, checkSignal(given.signal));
  }

  scan(prefix = "", options?: ScanOptions): AsyncGenerator<Entry, void, undefined> {
    return items(() => {
      const { from, signal, ...how } = scanOf(prefix, options);
      const readPage = (request: PageRequest) => this.#open().page(from, request, signal);
      return { readPage, bytesOf: (entry) => entry.value.byteLength + entry.key.length, signal, ...how };
    });
  }

  scanKeys(prefix = "", options?: ScanOptions): AsyncGenerator<EntryInfo, void, undefined> {
    return items(() => {
      const { from, signal, ...how } = scanOf(prefix, options);
      const readPage = (request: PageRequest) => this.#open().keysPage(from, request, signal);
      return { readPage, bytesOf: (entry) => entry.key.length, signal, ...how };
    });
  }

  async scanPage(prefix = "", options?: PageOptions): Promise<Page<Entry>> {
    const { from, request, signal } = pageOf(prefix, options);
    return await this.#open().page(from, request, signal);
  }

  async scanKeysPage(prefix = "", options?: PageOptions): Promise<Page<EntryInfo>> {
    const { from, request, signal } = pageOf(prefix, options);
    return await this.#open().keysPage(from, request, signal);
  }

  async getMany(
    keys: Iterable<string>,
    options?: CallOptions,
  ): Promise<PromiseSettledResult<Entry | undefined>[]> {
    const signal = signalOf(options);
    const transport = this.#open();
    const checked = await checkedList(keys, checkKey);
    return await inParts(checked, keysOnly(transport.limits.reads), (part) => transport.getMany(part, signal), signal);
  }

  async setMany(
    entries: Iterable<readonly [key: string, value: Value]>,
    options?: SetManyOptions,
  ): Promise<PromiseSettledResult<string>[]> {
    const given = checkOptions(options, "ttlMs", "signal");
    const ttlMs = checkTtl(given.ttlMs);
    const signal = checkSignal(given.signal);
    const transport = this.#open();
    const pairs = await checkedList(entries, checkPair);
    // Of a key that is there twice only the last value is sent: parts are under way at once, and the first could come last.
    const distinct = [...new Map(pairs)];
    const { writes, bytes } = transport.limits;
    const limits = { items: writes, bytes, bytesOf: bytesOfPair };
    const answers = await inParts(distinct, limits, (part) => transport.setMany(part, ttlMs, signal), signal);
    const byKey = new Map(distinct.map(([key], at) => [key, answers[at] as PromiseSettledResult<string>]));
    return pairs.map(([key]) => byKey.get(key) as PromiseSettledResult<string>);
  }

  async deleteMany(keys: Iterable<string>, options?: CallOptions): Promise<PromiseSettledResult<void>[]> {
    const signal = signalOf(options);
    const transport = this.#open();
    const checked = await checkedList(keys, checkKey);
    return await inParts(checked, keysOnly(transport.limits.writes), (part) => transport.deleteMany(part, signal), signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const transport = this.#transport;
    this.#transport = undefined;
    await transport?.close();
  }

  #open(): Transport {
    if (this.#transport === undefined) {
      throw new LarderError("InvalidInput", "the handle was disposed of; load the binding again", {
        binding: this.#binding,
      });
    }
    return this.#transport;
  }

  #decoded<T>(key: string, value: Uint8Array | undefined, decode: (value: Uint8Array) => T): T | undefined {
    if (value === undefined) return undefined;
    const facts = { operation: "get", key, binding: this.#binding };
    return retold(() => decode(value), (kind, message, { cause }) => new LarderError(kind, message, { ...facts, cause }));
  }
}

function signalOf(options: CallOptions | undefined): AbortSignal | undefined {
  return checkSignal(checkOptions(options, "signal").signal);
}

function conditionOf(given: Partial<SetOptions>): Condition {
  const version = checkVersion(given.ifVersion);
  if (checkFlag("ifNotExists", given.ifNotExists)) {
    if (version !== undefined) throw invalid("ifNotExists and ifVersion exclude each other; give one of them");
    return { if: "absent" };
  }
  return version === undefined ? { if: "always" } : { if: "version", version };
}

function scanOf(prefix: string, options: ScanOptions | undefined) {
  const given = checkOptions(options, "limit", "onCorrupt", "signal");
  const onCorrupt = given.onCorrupt;
  if (onCorrupt !== undefined && typeof onCorrupt !== "function") throw invalid("onCorrupt is a function");
  const most = checkScanLimit(given.limit);
  return { from: checkPrefix(prefix), most, onCorrupt, signal: checkSignal(given.signal) };
}

function pageOf(prefix: string, options: PageOptions | undefined) {
  const given = checkOptions(options, "limit", "cursor", "signal");
  const request = { limit: checkPageLimit(given.limit), cursor: checkCursor(given.cursor) };
  return { from: checkPrefix(prefix), request, signal: checkSignal(given.signal) };
}

function checkPair(entry: unknown): readonly [key: string, value: Uint8Array] {
  if (!Array.isArray(entry) || entry.length !== 2) throw invalid("it is no pair of key and value");
  return [checkKey(entry[0]), toBytes(entry[1])];
}

function keysOnly(items: number): PartLimits<string> {
  return { items, bytes: Number.POSITIVE_INFINITY, bytesOf: () => 0 };
}

function bytesOfPair([key, value]: readonly [string, Uint8Array]): number {
  return value.byteLength + 3 * key.length;
}
