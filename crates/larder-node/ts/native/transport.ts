import type { Entry, EntryInfo, Page, PutResult, TouchResult } from "../kv.js";
import { type BatchLimits, type Condition, isPromised, type PageRequest, type Soon, type Transport } from "../transport.js";
import { hasLittleTime, mayGoOn, untilCall, untilLittleTime, untilTime } from "../turn.js";
import type { Addon, Cancel, Packed, Store } from "./addon.js";
import { thrownBy } from "./failure.js";
import { type Facts, takeInfo, takerOf, unpack } from "./unpack.js";

/** A store in this process. */
export class NativeTransport implements Transport {
  /** What is written is copied into memory of its own, twice, in one go. What is read is taken value by value. */
  readonly limits: BatchLimits = { reads: 64, writes: 256, bytes: 256 * 1024 };
  readonly hasToClose = true;
  readonly #addon: Addon;
  readonly #store: Store;
  /** Calls that a signal has ended for whoever made them, and that the addon still has. They never reject. */
  readonly #left = new Set<Promise<void>>();

  constructor(addon: Addon, store: Store) {
    this.#addon = addon;
    this.#store = store;
  }

  turnToGet(signal: AbortSignal | undefined): Promise<void> | undefined {
    // One with a signal waits by itself, as all other calls do.
    return signal !== undefined || hasLittleTime() ? undefined : untilLittleTime();
  }

  get(key: string, signal: AbortSignal | undefined): Soon<Uint8Array | undefined> {
    if (signal !== undefined) return this.#endableGet(key, signal);
    let found: Soon<Uint8Array | null>;
    try {
      found = this.#store.get(key);
    } catch (exception) {
      throw thrownBy(exception);
    }
    if (!isPromised(found)) return found ?? undefined;
    return found.then((value) => value ?? undefined, (exception) => { throw thrownBy(exception); });
  }

  async #endableGet(key: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
    return (await this.#call(signal, (cancel) => this.#store.get(key, cancel))) ?? undefined;
  }

  async entry(key: string, signal: AbortSignal | undefined): Promise<Entry | undefined> {
    const found = await this.#call(signal, (cancel) => this.#store.entry(key, cancel));
    if (found === null) return undefined;
    return { key, value: found.value, version: found.version, ttlMs: found.ttlMs };
  }

  async exists(key: string, signal: AbortSignal | undefined): Promise<boolean> {
    return await this.#call(signal, (cancel) => this.#store.exists(key, cancel));
  }

  async put(
    key: string,
    value: Uint8Array,
    ttlMs: number | undefined,
    condition: Condition,
    signal: AbortSignal | undefined,
  ): Promise<PutResult> {
    const expected = { always: undefined, absent: "", version: condition.if === "version" ? condition.version : "" };
    const ifVersion = expected[condition.if];
    const version = await this.#call(signal, (cancel) => this.#store.put(key, value, ttlMs, ifVersion, cancel));
    return version === null ? { stored: false } : { stored: true, version };
  }

  async delete(key: string, version: string | undefined, signal: AbortSignal | undefined): Promise<boolean> {
    return await this.#call(signal, (cancel) => this.#store.delete(key, version, cancel));
  }

  async touch(
    key: string,
    ttlMs: number | undefined,
    ifVersion: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<TouchResult> {
    const touched = await this.#call(signal, (cancel) => this.#store.touch(key, ttlMs, ifVersion, cancel));
    const { version, isThere } = touched;
    if (version !== undefined) return { touched: true, version };
    return { touched: false, reason: isThere ? "version" : "absent" };
  }

  async increment(
    key: string,
    delta: bigint,
    ttlMs: number | undefined,
    signal: AbortSignal | undefined,
  ): Promise<bigint> {
    return BigInt(await this.#call(signal, (cancel) => this.#store.increment(key, `${delta}`, ttlMs, cancel)));
  }

  async page(prefix: string, request: PageRequest, signal: AbortSignal | undefined): Promise<Page<Entry>> {
    const { limit, cursor } = request;
    const packed = await this.#callForMany(signal, (cancel) => this.#store.page(prefix, limit, cursor, cancel));
    return await pageOf(packed, takerOf(packed));
  }

  async keysPage(prefix: string, request: PageRequest, signal: AbortSignal | undefined): Promise<Page<EntryInfo>> {
    const { limit, cursor } = request;
    const packed = await this.#callForMany(signal, (cancel) => this.#store.keysPage(prefix, limit, cursor, cancel));
    return await pageOf(packed, takeInfo);
  }

  async getMany(keys: string[], signal: AbortSignal | undefined): Promise<PromiseSettledResult<Entry | undefined>[]> {
    const packed = await this.#callForMany(signal, (cancel) => this.#store.getMany(keys, cancel));
    const take = takerOf(packed);
    return await settled(packed, keys, (facts: Facts | null) => (facts === null ? undefined : take(facts)));
  }

  async setMany(
    entries: [key: string, value: Uint8Array][],
    ttlMs: number | undefined,
    signal: AbortSignal | undefined,
  ): Promise<PromiseSettledResult<string>[]> {
    const keys = entries.map(([key]) => key);
    const lengths = entries.map(([, value]) => value.byteLength);
    const packed = await this.#callForMany(signal, (cancel) => {
      // In the turn that has time for it.
      const values = joined(entries.map(([, value]) => value));
      return this.#store.putMany(keys, values, lengths, ttlMs, cancel);
    });
    return await settled(packed, keys, (version: string) => version);
  }

  async deleteMany(keys: string[], signal: AbortSignal | undefined): Promise<PromiseSettledResult<void>[]> {
    const packed = await this.#callForMany(signal, (cancel) => this.#store.deleteMany(keys, cancel));
    return await settled(packed, keys, (_: null) => undefined);
  }

  async close(): Promise<void> {
    // The addon has let go of the store with the last of them.
    while (this.#left.size > 0) await Promise.all(this.#left);
    await this.#call(undefined, () => this.#store.close());
  }

  /**
   * Calls the addon; the signal ends the call.
   *
   * In a turn that has time for it, since whoever begins thousands of calls at once stops the event loop with them; in the
   * order in which they came, so that closing comes behind what was begun before.
   */
  #call<T>(signal: AbortSignal | undefined, run: (cancel?: Cancel) => Soon<T>, turn = untilCall): Promise<T> {
    const call = () => (signal === undefined ? told(run) : this.#endable(signal, run));
    return mayGoOn() ? call() : turn().then(call);
  }

  /** The same about many keys, which takes longer: each waits for a turn by itself. */
  #callForMany<T>(signal: AbortSignal | undefined, run: (cancel?: Cancel) => Soon<T>): Promise<T> {
    return this.#call(signal, run, untilTime);
  }

  /** Rejects with the signal's reason as soon as it says stop, whatever the call still does. */
  async #endable<T>(signal: AbortSignal, run: (cancel: Cancel) => Soon<T>): Promise<T> {
    signal.throwIfAborted();
    const cancel = new this.#addon.Cancel();
    const call = told(() => run(cancel));
    let stop = () => {};
    const stopped = new Promise<never>((_, reject) => {
      stop = () => {
        cancel.cancel();
        this.#leave(call);
        reject(signal.reason);
      };
    });
    signal.addEventListener("abort", stop, { once: true });
    try {
      return await Promise.race([call, stopped]);
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  #leave(call: Promise<unknown>): void {
    const over = () => void this.#left.delete(left);
    const left: Promise<void> = call.then(over, over);
    this.#left.add(left);
  }
}

/**
 * Calls the addon. Its errors are made anew right here: whoever looks later whether a signal has spoken meanwhile no longer
 * knows whose error it has, and the addon's text holds the whole key.
 */
async function told<T>(run: () => Soon<T>): Promise<T> {
  try {
    return await run();
  } catch (exception) {
    throw thrownBy(exception);
  }
}

function joined(values: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(values.reduce((sum, value) => sum + value.byteLength, 0));
  let at = 0;
  for (const value of values) {
    whole.set(value, at);
    at += value.byteLength;
  }
  return whole;
}

async function pageOf<T>(packed: Packed, take: (facts: Facts) => T): Promise<Page<T>> {
  const page: Page<T> = { items: [], errors: [], cursor: packed.takeCursor() ?? undefined };
  await unpack(packed, take, (error) => page.errors.push(error), (item) => page.items.push(item));
  return page;
}

async function settled<F, T>(
  packed: Packed,
  keys: readonly string[],
  take: (facts: F) => T,
): Promise<PromiseSettledResult<T>[]> {
  const answers: PromiseSettledResult<T>[] = [];
  await unpack<F, T>(
    packed,
    take,
    (reason) => answers.push({ status: "rejected", reason }),
    (value) => answers.push({ status: "fulfilled", value }),
    keys,
  );
  return answers;
}
