import { checkedList, distinctOf, inParts, type PartLimits, spread } from "./batch.js";
import { Calls } from "./calls.js";
import { checkKey, checkPrefix } from "./check/key.js";
import { checkPair, takeList, takePairs } from "./check/list.js";
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
import { type Condition, isPromised, type PageRequest, type Transport } from "./transport.js";
import { mayGoOn, untilTime } from "./turn.js";

/** What is shorter is decoded in microseconds. */
const LONG_BYTES = 2 * 1_024;

/** What users hold: checks and decodes once, for both transports. */
export class Handle implements Kv {
  readonly #binding: string;
  readonly #calls: Calls;

  constructor(binding: string, transport: Transport) {
    this.#binding = binding;
    this.#calls = new Calls(binding, transport);
  }

  async get(key: string, options?: CallOptions): Promise<Uint8Array | undefined> {
    // The most frequent call, mostly without options: looking into none is left out.
    const signal = options === undefined ? undefined : signalOf(options);
    const store = this.#calls.open();
    const checked = checkKey(key);
    this.#calls.began();
    try {
      // As few promises as can be: of many gets at once, most wait once in each turn of the event loop.
      const turn = store.turnToGet(signal);
      if (turn !== undefined) await turn;
      const found = store.get(checked, signal);
      // Not awaited where it is there: that would make another promise of it.
      return isPromised(found) ? await found : found;
    } finally {
      this.#calls.ended();
    }
  }

  async getText(key: string, options?: CallOptions): Promise<string | undefined> {
    return await this.#decoded(key, await this.get(key, options), toText);
  }

  async getJson<T = unknown>(key: string, options?: CallOptions): Promise<T | undefined> {
    return await this.#decoded(key, await this.get(key, options), fromJson) as T | undefined;
  }

  async entry(key: string, options?: CallOptions): Promise<Entry | undefined> {
    return await this.#calls.run((store) => store.entry(checkKey(key), signalOf(options)));
  }

  async exists(key: string, options?: CallOptions): Promise<boolean> {
    return await this.#calls.run((store) => store.exists(checkKey(key), signalOf(options)));
  }

  async set(key: string, value: Value, options?: SetOptions): Promise<boolean> {
    return (await this.put(key, value, options)).stored;
  }

  async put(key: string, value: Value, options?: SetOptions): Promise<PutResult> {
    const given = checkOptions(options, "ttlMs", "ifNotExists", "ifVersion", "signal");
    const ttlMs = checkTtl(given.ttlMs);
    const condition = conditionOf(given);
    const signal = checkSignal(given.signal);
    return await this.#calls.run((store) => store.put(checkKey(key), toBytes(value), ttlMs, condition, signal));
  }

  async delete(key: string, options?: VersionOptions): Promise<boolean> {
    const given = checkOptions(options, "ifVersion", "signal");
    const version = checkVersion(given.ifVersion);
    const signal = checkSignal(given.signal);
    return await this.#calls.run((store) => store.delete(checkKey(key), version, signal));
  }

  async touch(key: string, ttlMs: number | null, options?: VersionOptions): Promise<TouchResult> {
    const given = checkOptions(options, "ifVersion", "signal");
    // Null, and not undefined, which a forgotten argument is: no entry stays because of that.
    if (ttlMs === undefined) throw invalid("the TTL is missing; give milliseconds, or null for an entry that stays");
    const lifetime = ttlMs === null ? undefined : checkTtl(ttlMs);
    const version = checkVersion(given.ifVersion);
    const signal = checkSignal(given.signal);
    return await this.#calls.run((store) => store.touch(checkKey(key), lifetime, version, signal));
  }

  async increment(key: string, delta?: number | bigint, options?: IncrementOptions): Promise<bigint> {
    const given = checkOptions(options, "ttlMs", "signal");
    const ttlMs = checkTtl(given.ttlMs);
    const signal = checkSignal(given.signal);
    return await this.#calls.run((store) => store.increment(checkKey(key), checkDelta(delta), ttlMs, signal));
  }

  scan(prefix = "", options?: ScanOptions): AsyncGenerator<Entry, void, undefined> {
    return items(() => {
      const { from, signal, ...how } = scanOf(prefix, options);
      const readPage = (request: PageRequest) => this.#calls.run((store) => store.page(from, request, signal));
      return { readPage, bytesOf: (entry) => entry.value.byteLength + entry.key.length, signal, ...how };
    });
  }

  scanKeys(prefix = "", options?: ScanOptions): AsyncGenerator<EntryInfo, void, undefined> {
    return items(() => {
      const { from, signal, ...how } = scanOf(prefix, options);
      const readPage = (request: PageRequest) => this.#calls.run((store) => store.keysPage(from, request, signal));
      return { readPage, bytesOf: (entry) => entry.key.length, signal, ...how };
    });
  }

  async scanPage(prefix = "", options?: PageOptions): Promise<Page<Entry>> {
    const { from, request, signal } = pageOf(prefix, options);
    return await this.#calls.run((store) => store.page(from, request, signal));
  }

  async scanKeysPage(prefix = "", options?: PageOptions): Promise<Page<EntryInfo>> {
    const { from, request, signal } = pageOf(prefix, options);
    return await this.#calls.run((store) => store.keysPage(from, request, signal));
  }

  async getMany(
    keys: Iterable<string>,
    options?: CallOptions,
  ): Promise<PromiseSettledResult<Entry | undefined>[]> {
    const signal = signalOf(options);
    return await this.#calls.run(async (store) => {
      const checked = await checkedList(takeList(keys), checkKey);
      return await inParts(checked, keysOnly(store.limits.reads), (part) => store.getMany(part, signal), signal);
    });
  }

  async setMany(
    entries: Iterable<readonly [key: string, value: Value]>,
    options?: SetManyOptions,
  ): Promise<PromiseSettledResult<string>[]> {
    const given = checkOptions(options, "ttlMs", "signal");
    const ttlMs = checkTtl(given.ttlMs);
    const signal = checkSignal(given.signal);
    return await this.#calls.run(async (store) => {
      const { pairs, places } = await distinctOf(await checkedList(takePairs(entries), checkPair));
      const { writes, bytes } = store.limits;
      const limits = { items: writes, bytes, bytesOf: bytesOfPair };
      return await spread(await inParts(pairs, limits, (part) => store.setMany(part, ttlMs, signal), signal), places);
    });
  }

  async deleteMany(keys: Iterable<string>, options?: CallOptions): Promise<PromiseSettledResult<void>[]> {
    const signal = signalOf(options);
    return await this.#calls.run(async (store) => {
      const checked = await checkedList(takeList(keys), checkKey);
      return await inParts(checked, keysOnly(store.limits.writes), (part) => store.deleteMany(part, signal), signal);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#calls.close();
  }

  async #decoded<T>(
    key: string,
    value: Uint8Array | undefined,
    decode: (value: Uint8Array) => T,
  ): Promise<T | undefined> {
    if (value === undefined) return undefined;
    // Many long values may have come in one turn of the event loop, and are not all decoded in it.
    if (value.byteLength > LONG_BYTES && !mayGoOn()) await untilTime();
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

function keysOnly(items: number): PartLimits<string> {
  return { items, bytes: Number.POSITIVE_INFINITY, bytesOf: () => 0 };
}

function bytesOfPair([key, value]: readonly [string, Uint8Array]): number {
  return value.byteLength + 3 * key.length;
}
