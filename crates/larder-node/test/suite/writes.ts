import type { Case } from "./case.js";
import { equal, eventually, ok, rejects } from "./check.js";

export const writes: Case[] = [
  {
    name: "of many creates at once exactly one is stored",
    async run({ kv, own }) {
      const tries = Array.from({ length: 8 }, (_, at) => kv.set(own("lock"), { owner: at }, { ifNotExists: true }));
      equal((await Promise.all(tries)).filter(Boolean).length, 1);
      equal(await kv.set(own("lock"), "again", { ifNotExists: true }), false);
      ok(await kv.delete(own("lock")), "it is absent");
      equal(await kv.set(own("lock"), "again", { ifNotExists: true }), true);
    },
  },
  {
    name: "a version is good for one write",
    async run({ kv, own }) {
      const key = own("config");
      const first = await kv.put(key, "a");
      ok(first.stored, "it is stored");
      equal((await kv.entry(key))?.version, first.version);
      const second = await kv.put(key, "b", { ifVersion: first.version });
      ok(second.stored && second.version !== first.version, "it has another version");
      equal(await kv.put(key, "c", { ifVersion: first.version }), { stored: false });
      equal(await kv.set(key, "c", { ifVersion: first.version }), false);
      equal(await kv.delete(key, { ifVersion: first.version }), false);
      equal(await kv.touch(key, 60_000, { ifVersion: first.version }), { touched: false, reason: "version" });
      equal(await kv.getText(key), "b");
      equal(await kv.delete(key, { ifVersion: second.version }), true);
      equal(await kv.exists(key), false);
      // Also across delete and re-create.
      await kv.set(key, "d");
      equal(await kv.set(key, "e", { ifVersion: second.version }), false);
    },
  },
  {
    name: "a version of another key, or none at all, is refused",
    async run({ kv, own }) {
      const stored = await kv.put(own("one"), "1");
      ok(stored.stored, "it is stored");
      for (const ifVersion of [stored.version, "garbage", "", "\"x\"", "a b"]) {
        await rejects(kv.set(own("other"), "2", { ifVersion }), "InvalidInput");
        await rejects(kv.delete(own("other"), { ifVersion }), "InvalidInput");
        await rejects(kv.touch(own("other"), null, { ifVersion }), "InvalidInput");
      }
      equal(await kv.exists(own("other")), false);
    },
  },
  {
    name: "an entry lives as long as it was given, and a touch gives it another lifetime",
    async run({ kv, own }) {
      const key = own("session");
      await kv.set(key, "s", { ttlMs: 60_000 });
      const ttlMs = (await kv.entry(key))?.ttlMs ?? 0;
      ok(ttlMs > 40_000 && ttlMs <= 60_000, `${ttlMs} ms remain`);
      const touched = await kv.touch(key, 3_600_000);
      ok(touched.touched, "it is touched");
      const entry = await kv.entry(key);
      equal(entry?.version, touched.version);
      ok((entry?.ttlMs ?? 0) > 3_500_000, `${entry?.ttlMs} ms remain`);
      ok((await kv.touch(key, null, { ifVersion: touched.version })).touched, "it is touched");
      equal((await kv.entry(key))?.ttlMs, undefined);
      // A put without a lifetime makes an entry that stays.
      await kv.set(key, "s", { ttlMs: 60_000 });
      await kv.set(key, "s");
      equal((await kv.entry(key))?.ttlMs, undefined);
      equal(await kv.getText(key), "s");
    },
  },
  {
    name: "an expired entry is absent everywhere",
    async run({ kv, own }) {
      const key = own("gone");
      const stored = await kv.put(key, "x", { ttlMs: 1 });
      ok(stored.stored, "it is stored");
      await eventually(async () => (await kv.get(key)) === undefined);
      equal(await kv.exists(key), false);
      equal((await kv.scanPage(own(""))).items, []);
      equal(await kv.set(key, "y", { ifVersion: stored.version }), false);
      equal(await kv.touch(key, 1_000), { touched: false, reason: "absent" });
      equal(await kv.set(key, "y", { ifNotExists: true }), true);
    },
  },
  {
    name: "every increment has a sum of its own",
    async run({ kv, own }) {
      const key = own("visits");
      const sums = await Promise.all(Array.from({ length: 10 }, () => kv.increment(key)));
      equal(sums.map(Number).sort((a, b) => a - b), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      equal(await kv.increment(key, -3), 7n);
      equal(await kv.increment(key, 0), 7n);
      equal(await kv.getText(key), "7");
      await kv.set(key, "41");
      equal(await kv.increment(key), 42n);
      ok(((await kv.entry(key))?.ttlMs ?? 0) === 0, "it stays");
      equal(await kv.increment(own("window"), 1, { ttlMs: 60_000 }), 1n);
      equal(await kv.increment(own("window"), 1, { ttlMs: 999_000 }), 2n);
      const left = (await kv.entry(own("window")))?.ttlMs;
      ok(left !== undefined && left > 40_000 && left <= 60_000, `${left} ms remain`);
    },
  },
  {
    name: "counters have 64 bits, and what is none is left alone",
    async run({ kv, own }) {
      const key = own("large");
      equal(await kv.increment(key, 2n ** 62n), 2n ** 62n);
      equal(await kv.increment(key, 2n ** 62n - 1n), 2n ** 63n - 1n);
      await rejects(kv.increment(key), "InvalidInput");
      equal(await kv.getText(key), `${2n ** 63n - 1n}`);
      await kv.set(own("text"), "seven");
      await rejects(kv.increment(own("text")), "InvalidInput");
      equal(await kv.getText(own("text")), "seven");
    },
  },
];
