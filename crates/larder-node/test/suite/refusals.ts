import type { Kv, SetOptions } from "@larder/kv/http";
import type { Case } from "./case.js";
import { all, equal, ok, rejects } from "./check.js";

/** Calls that no type allows, as JavaScript can make them. */
type Loose = (...given: unknown[]) => Promise<unknown>;

export const refusals: Case[] = [
  {
    name: "keys that are none are refused",
    async run({ kv, own }) {
      const keys: unknown[] = [
        "", "k".repeat(513), "/".repeat(171), "🥫".repeat(43), "\ud800", "a\udc00b", undefined, null, 7, {}, [own("k")],
      ];
      for (const key of keys) {
        for (const call of callsOf(kv)) await rejects(call(key), "InvalidInput");
        await rejects(kv.getMany([own("k"), key as string]), "InvalidInput");
        await rejects(kv.deleteMany([key as string]), "InvalidInput");
        await rejects(kv.setMany([[key as string, "x"]]), "InvalidInput");
      }
      const error = await rejects(kv.get("k".repeat(513)), "InvalidInput");
      ok(error.message.includes("513") && error.message.includes("512"), error.message);
      equal(error.retryable, false);
      equal(await kv.get("k".repeat(512)), undefined);
      equal(await kv.get("/".repeat(170)), undefined);
    },
  },
  {
    name: "values that are none are refused",
    async run({ kv, own }) {
      const circle: Record<string, unknown> = {};
      circle["self"] = circle;
      const values: unknown[] = [
        "x".repeat(24_577), "x".repeat(1_000_001), new Uint8Array(24_577), "é".repeat(12_289), "\ud800", undefined, () => "x", Symbol("x"), 1n,
        { n: 1n }, circle, Number.NaN, Number.POSITIVE_INFINITY, new ArrayBuffer(1), new DataView(new ArrayBuffer(1)),
        new Uint16Array(1), new Map([["a", 1]]), new Set([1]), Promise.resolve("x"), detached(), shrunk(),
      ];
      for (const value of values) {
        await rejects(kv.set(own("k"), value as string), "InvalidInput");
        await rejects(kv.setMany([[own("j"), "x"], [own("k"), value as string]]), "InvalidInput");
      }
      equal(valuesThere(await kv.scanPage(own(""))), 0);
      const error = await rejects(kv.set(own("k"), `hunter2${"x".repeat(24_577)}`), "InvalidInput");
      ok(error.message.includes("24584") && !error.message.includes("hunter2"), error.message);
      // A lone surrogate in JSON is escaped, and comes back as it was.
      await kv.set(own("k"), { text: "\ud800" });
      equal(await kv.getJson(own("k")), { text: "\ud800" });
    },
  },
  {
    name: "options that are out of bounds are refused, and undefined ones are as none",
    async run({ kv, own }) {
      const bad: unknown[] = [
        { ttlMs: 0 }, { ttlMs: -1 }, { ttlMs: -0.5 }, { ttlMs: Number.NaN }, { ttlMs: Number.POSITIVE_INFINITY },
        { ttlMs: 250_000_000_000_001 }, { ttlMs: "60" }, { ttlMs: null }, { ttlMs: 60n }, { ttl: 60 }, { ifNotExists: 1 },
        { ifVersion: "" }, { ifVersion: 7 }, { ifVersion: null }, { ifNotExists: true, ifVersion: "AAAA" },
        { signal: {} }, null, 60, "60",
      ];
      const set = kv.set.bind(kv) as Loose;
      for (const options of bad) await rejects(set(own("k"), "x", options), "InvalidInput");
      equal(await kv.exists(own("k")), false);
      const none: SetOptions = { ttlMs: undefined, ifNotExists: undefined, ifVersion: undefined, signal: undefined };
      ok(await kv.set(own("k"), "x", none), "it is stored");
      ok(await kv.set(own("k"), "x", undefined), "it is stored");
      equal((await kv.entry(own("k")))?.ttlMs, undefined);
      // Fractions round up, so that no entry ends early.
      ok(await kv.set(own("long"), "x", { ttlMs: 599_999.2 }), "it is stored");
      const long = (await kv.entry(own("long")))?.ttlMs;
      ok(long !== undefined && long > 590_000 && long <= 600_000, `${long} ms remain`);
      ok(await kv.set(own("short"), "x", { ttlMs: 0.2 }), "it is stored for a millisecond");
      await kv.increment(own("long:sum"), 1, { ttlMs: 599_999.2 });
      await kv.setMany([[own("long:many"), "x"]], { ttlMs: 599_999.2 });
      await kv.set(own("long:touched"), "x");
      ok((await kv.touch(own("long:touched"), 599_999.2)).touched, "it is touched");
      for (const name of ["sum", "many", "touched"]) {
        const left = (await kv.entry(own(`long:${name}`)))?.ttlMs;
        ok(left !== undefined && left > 590_000 && left <= 600_000, `${left} ms remain of ${name}`);
      }
      ok(await kv.set(own("longest"), "x", { ttlMs: 250_000_000_000_000 }), "it is stored");
      for (const options of bad) {
        const { ttlMs, signal } = (options ?? {}) as SetOptions;
        if (ttlMs !== undefined) {
          await rejects((kv.setMany.bind(kv) as Loose)([[own("many"), "x"]], { ttlMs }), "InvalidInput");
          await rejects((kv.increment.bind(kv) as Loose)(own("many"), 1, { ttlMs }), "InvalidInput");
        }
        if (signal !== undefined || typeof options !== "object" || options === null) {
          for (const call of [kv.get, kv.getText, kv.getJson, kv.entry, kv.exists, kv.delete]) {
            await rejects((call.bind(kv) as Loose)(own("many"), options), "InvalidInput");
          }
          for (const call of [kv.getMany, kv.deleteMany]) {
            await rejects((call.bind(kv) as Loose)([own("many")], options), "InvalidInput");
          }
        }
      }
      equal(await kv.exists(own("many")), false);
      const touch = kv.touch.bind(kv) as Loose;
      for (const ttlMs of [undefined, 0, -1, Number.NaN, "1"]) await rejects(touch(own("k"), ttlMs), "InvalidInput");
    },
  },
  {
    name: "limits, cursors, deltas and lists that are none are refused",
    async run({ kv, own }) {
      const page = kv.scanPage.bind(kv) as Loose;
      for (const limit of [0, -1, 1.5, 1_001, 1e9, Number.NaN, "10", null]) {
        await rejects(page(own(""), { limit }), "InvalidInput");
        await rejects((kv.scanKeysPage.bind(kv) as Loose)(own(""), { limit }), "InvalidInput");
      }
      for (const cursor of ["", 7, null]) await rejects(page(own(""), { cursor }), "InvalidInput");
      for (const prefix of ["k".repeat(513), "\ud800", null, 7]) await rejects(page(prefix), "InvalidInput");
      for (const cursor of ["", 7, null]) {
        await rejects((kv.scanKeysPage.bind(kv) as Loose)(own(""), { cursor }), "InvalidInput");
      }
      for (const scan of [kv.scan.bind(kv), kv.scanKeys.bind(kv)]) {
        for (const limit of [0, -1, 1.5, Number.NaN, 2 ** 53, "10"]) {
          await rejects(all(scan(own(""), { limit: limit as number }) as AsyncIterable<unknown>), "InvalidInput");
        }
        // However many: a scan ends where the entries do.
        for (const limit of [1e9, Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY]) {
          equal(await all(scan(own(""), { limit }) as AsyncIterable<unknown>), []);
        }
        for (const options of [{ pageSize: 1 }, { onCorrupt: "x" }, { signal: {} }]) {
          await rejects(all(scan(own(""), options as object) as AsyncIterable<unknown>), "InvalidInput");
        }
      }
      const increment = kv.increment.bind(kv) as Loose;
      for (const delta of [1.5, Number.NaN, 2 ** 53, 2n ** 63n, -(2n ** 63n) - 1n, "1", null]) {
        await rejects(increment(own("n"), delta), "InvalidInput");
      }
      equal(await kv.exists(own("n")), false);
      for (const list of [undefined, null, 7, own("k"), {}]) {
        await rejects((kv.getMany.bind(kv) as Loose)(list), "InvalidInput");
        await rejects((kv.setMany.bind(kv) as Loose)(list), "InvalidInput");
        await rejects((kv.deleteMany.bind(kv) as Loose)(list), "InvalidInput");
      }
      const error = await rejects((kv.setMany.bind(kv) as Loose)([[own("a"), "x"], [own("b")]]), "InvalidInput");
      ok(error.message.includes("item 1"), error.message);
      equal(await kv.exists(own("a")), false);
    },
  },
  {
    name: "a signal that says stop is obeyed, with its reason",
    async run({ kv, own }) {
      const reason = new Error("enough");
      const signal = AbortSignal.abort(reason);
      const calls = [
        kv.get(own("k"), { signal }), kv.getText(own("k"), { signal }), kv.getJson(own("k"), { signal }),
        kv.entry(own("k"), { signal }), kv.exists(own("k"), { signal }),
        kv.set(own("k"), "x", { signal }), kv.put(own("k"), "x", { signal }), kv.delete(own("k"), { signal }), kv.touch(own("k"), null, { signal }),
        kv.increment(own("k"), 1, { signal }), kv.scanPage(own(""), { signal }), kv.scanKeysPage(own(""), { signal }),
        all(kv.scan(own(""), { signal })), all(kv.scanKeys(own(""), { signal })), kv.getMany([own("k")], { signal }), kv.setMany([[own("k"), "x"]], { signal }),
        kv.deleteMany([own("k")], { signal }),
      ];
      const outcomes = calls.map((call) => call.then(() => "resolved", (error: unknown) => error === reason));
      equal(await Promise.all(outcomes), calls.map(() => true));
      equal(await kv.exists(own("k")), false);
      const later = new AbortController();
      const writing = kv.set(own("k"), "x", { signal: later.signal });
      later.abort(reason);
      // It may have been done already, and never hangs.
      equal(await writing.then((stored) => stored, (error: unknown) => error === reason), true);
      // Between two entries, and before anything is read for the next.
      await kv.setMany(["a", "b", "c"].map((name) => [own(`s:${name}`), name]));
      const within = new AbortController();
      const seen: string[] = [];
      const scanning = (async () => {
        for await (const { key } of kv.scan(own("s:"), { signal: within.signal })) {
          seen.push(key);
          within.abort(reason);
        }
      })();
      equal(await scanning.then(() => "resolved", (error: unknown) => error === reason), true);
      equal(seen, [own("s:a")]);
      // Unused ones change nothing.
      ok(await kv.set(own("k"), "x", { signal: new AbortController().signal }), "it is stored");
    },
  },
  {
    name: "a handle that was disposed of refuses every call, and others do not mind",
    async run({ kv, own, open }) {
      await kv.set(own("k"), "x");
      const other = await open();
      equal(await other.getText(own("k")), "x");
      await other[Symbol.asyncDispose]();
      await other[Symbol.asyncDispose]();
      for (const call of callsOf(other)) await rejects(call(own("k")), "InvalidInput");
      for (const scan of [other.scan(own("")), other.scanKeys(own(""))]) {
        await rejects(all(scan as AsyncIterable<unknown>), "InvalidInput");
      }
      for (const call of [
        other.scanPage(own("")), other.scanKeysPage(own("")), other.getMany([own("k")]), other.setMany([[own("k"), "y"]]),
        other.deleteMany([own("k")]),
      ]) await rejects(call, "InvalidInput");
      equal(await kv.getText(own("k")), "x");
    },
  },
];

/** Every call about one key. */
function callsOf(kv: Kv): ((key: unknown) => Promise<unknown>)[] {
  return [
    (key) => kv.get(key as string), (key) => kv.getText(key as string), (key) => kv.getJson(key as string),
    (key) => kv.entry(key as string), (key) => kv.exists(key as string), (key) => kv.set(key as string, "x"),
    (key) => kv.put(key as string, "x"), (key) => kv.delete(key as string), (key) => kv.touch(key as string, null),
    (key) => kv.increment(key as string),
  ];
}

/** An array whose buffer is shorter by now than what it showed of it. */
function shrunk(): Uint8Array {
  const Resizable = ArrayBuffer as unknown as new (length: number, options: object) => ArrayBuffer & { resize(length: number): void };
  const buffer = new Resizable(8, { maxByteLength: 8 });
  const array = new Uint8Array(buffer, 4, 4);
  buffer.resize(2);
  return array;
}

/** An array whose buffer was given away. */
function detached(): Uint8Array {
  const bytes = new Uint8Array(8);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  return bytes;
}

function valuesThere(page: { items: unknown[] }): number {
  return page.items.length;
}
