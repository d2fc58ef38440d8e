import { type Entry, valuesOf } from "@larder/kv/http";
import type { Case } from "./case.js";
import { all, equal, ok, rejects } from "./check.js";

export const lists: Case[] = [
  {
    name: "a scan is in key order, under its prefix, and each entry once",
    async run({ kv, own }) {
      const names = ["user:2", "user:10", "user:1", "users", "zebra"];
      valuesOf(await kv.setMany(names.map((name) => [own(name), name] as const)));
      equal((await all(kv.scan(own("user:")))).map(({ key }) => key), ["user:1", "user:10", "user:2"].map(own));
      const entries = await all(kv.scan(own("")));
      equal(entries.map(({ value }) => new TextDecoder().decode(value)), ["user:1", "user:10", "user:2", "users", "zebra"]);
      equal(entries[0]?.version, (await kv.entry(own("user:1")))?.version);
      const keys = await all(kv.scanKeys(own("user:")));
      equal(keys.map(({ key }) => key), ["user:1", "user:10", "user:2"].map(own));
      ok(keys.every((info) => !("value" in info)), "keys come without values");
    },
  },
  {
    name: "pages have the entries that were asked for, and a cursor exactly when there may be more",
    async run({ kv, own }) {
      valuesOf(await kv.setMany([1, 2, 3, 4, 5].map((at) => [own(`${at}`), "x"] as const)));
      const read: string[][] = [];
      let cursor: string | undefined;
      do {
        const page = await kv.scanPage(own(""), { limit: 2, cursor });
        read.push(page.items.map(({ key }) => key));
        equal(page.errors, []);
        cursor = page.cursor;
      } while (cursor !== undefined);
      equal(read.flat(), [1, 2, 3, 4, 5].map((at) => own(`${at}`)));
      equal(read.slice(0, 2).map((page) => page.length), [2, 2]);
      const keys = await kv.scanKeysPage(own(""), { limit: 3 });
      equal(keys.items.length, 3);
      const rest = await kv.scanKeysPage(own(""), { cursor: keys.cursor });
      equal(rest.items.map(({ key }) => key), [own("4"), own("5")]);
      await rejects(kv.scanPage(own("1"), { cursor: keys.cursor }), "InvalidInput");
      await rejects(kv.scanPage(own(""), { cursor: "garbage" }), "InvalidInput");
    },
  },
  {
    name: "a scan of many pages, its limit, and its end before the end",
    async run({ kv, own }) {
      const keys = Array.from({ length: 120 }, (_, at) => own(`${1_000 + at}`));
      valuesOf(await kv.setMany(keys.map((key) => [key, "x"] as const), { ttlMs: 600_000 }));
      equal((await all(kv.scan(own("")))).map(({ key }) => key), keys);
      equal((await all(kv.scanKeys(own("")))).map(({ key }) => key), keys);
      equal((await all(kv.scan(own(""), { limit: 70 }))).map(({ key }) => key), keys.slice(0, 70));
      const scan = kv.scan(own(""));
      const first = await scan.next();
      equal((first.value as Entry).key, keys[0]);
      ok(((first.value as Entry).ttlMs ?? 0) > 500_000, "it tells the lifetime");
      equal(await scan.return(), { value: undefined, done: true });
      equal(await scan.next(), { value: undefined, done: true });
    },
  },
  {
    name: "batches answer for every key, in order, also for keys that are there twice",
    async run({ kv, own }) {
      const [a, b, c] = ["a", "b", "c"].map(own) as [string, string, string];
      const versions = valuesOf(await kv.setMany([[a, "1"], [b, { n: 2 }], [a, new Uint8Array([3])]]));
      equal(versions.length, 3);
      equal(versions[0], versions[2]);
      equal(await kv.get(a), new Uint8Array([3]));
      const found = valuesOf(await kv.getMany([b, c, a, b]));
      equal(found.map((entry) => entry?.key), [b, undefined, a, b]);
      equal(found[0]?.version, versions[1]);
      equal((await kv.deleteMany(new Set([a, c]))).map(({ status }) => status), ["fulfilled", "fulfilled"]);
      equal(valuesOf(await kv.getMany([a, b])).map((entry) => entry?.key), [undefined, b]);
      equal(await kv.getMany([]), []);
      equal(await kv.setMany(new Map()), []);
      equal(await kv.deleteMany([]), []);
    },
  },
  {
    name: "batches of more keys than a request takes",
    async run({ kv, own }) {
      // Few entries, each asked for ten times: what is tested is how parts are put together, and not the store's speed.
      const distinct = Array.from({ length: 30 }, (_, at) => own(`${at}`));
      const keys = Array.from({ length: 300 }, (_, at) => own(`${at % 30}`));
      valuesOf(await kv.setMany(distinct.map((key, at) => [key, `${at}`] as const), { ttlMs: 600_000 }));
      const found = valuesOf(await kv.getMany(keys));
      equal(found.map((entry) => new TextDecoder().decode(entry?.value)), keys.map((_, at) => `${at % 30}`));
      equal(valuesOf(await kv.deleteMany(keys)).length, 300);
      equal((await kv.scanPage(own(""))).items, []);
    },
  },
  {
    name: "a batch is of what its list held when it was called",
    async run({ kv, own }) {
      const keys = Array.from({ length: 200 }, (_, at) => own(`${1_000 + at}`));
      const buffers = keys.map((_, at) => new Uint8Array([at, 1]));
      const pairs = keys.map((key, at): [string, Uint8Array] => [key, buffers[at]!]);
      const stored = kv.setMany(pairs);
      pairs.forEach((pair) => (pair[0] = own("another")));
      pairs.length = 0;
      buffers.forEach((buffer) => buffer.fill(9));
      equal(valuesOf(await stored).length, keys.length);
      const wanted = [...keys];
      const read = kv.getMany(wanted);
      wanted.length = 0;
      equal(valuesOf(await read).map((entry) => entry?.value), keys.map((_, at) => new Uint8Array([at, 1])));
      const map = new Map(keys.map((key, at) => [key, `${at}`]));
      const again = kv.setMany(map);
      map.clear();
      equal(valuesOf(await again).length, keys.length);
      equal(await kv.getText(keys.at(-1)!), `${keys.length - 1}`);
      const unwanted = new Set(keys);
      const gone = kv.deleteMany(unwanted);
      unwanted.clear();
      equal(valuesOf(await gone).length, keys.length);
      equal((await kv.scanKeysPage(own(""))).items, []);
    },
  },
];
