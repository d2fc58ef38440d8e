// The samples of the documentation that the API follows, as they stand there, but for the import.

import type { Kv } from "@larder/kv/http";
import type { Case } from "./case.js";
import { equal, ok } from "./check.js";

type Load = (id: string) => Promise<Kv>;

async function quickStart(kv: Load) {
  const cache = await kv("cache")

  await cache.set("user:123", { name: "Alice", plan: "pro" })
  const user = await cache.getJson("user:123")

  equal(user, { name: "Alice", plan: "pro" })
}

async function setAValue(cache: Kv, data: Uint8Array) {
  await cache.set("user:123", { name: "Alice" })           // JSON (auto-serialized)
  await cache.set("greeting", "hello")                       // String
  await cache.set("session:abc", data, { ttlMs: 3600000 })  // Expires in 1 hour

  // Atomic create — only if key doesn't exist
  const created = await cache.set("lock:res", { owner: "w1" }, { ifNotExists: true })
  // true if new, false if already existed

  equal(await cache.get("session:abc"), data)
  const { ttlMs = 0 } = (await cache.entry("session:abc")) ?? {}
  ok(ttlMs > 3_500_000 && ttlMs <= 3_600_000, `${ttlMs} ms remain`)
  return created
}

async function getAValue(cache: Kv) {
  const raw = await cache.get("user:123")       // Uint8Array | undefined
  const text = await cache.getText("greeting")   // string | undefined
  const user = await cache.getJson("user:123")   // parsed JSON | undefined

  return { raw, text, user }
}

async function deleteExistsScan(cache: Kv) {
  const log: string[] = []
  const console = { log: (key: string) => log.push(key) }

  await cache.delete("user:123")

  if (await cache.exists("user:123")) { /* ... */ log.push("it is still there") }

  for await (const { key, value } of cache.scan("user:")) {
    console.log(key) // "user:123", "user:456", ...
    ok(value instanceof Uint8Array, "values are bytes")
  }
  return log
}

async function distributedLock(cache: Kv, workerId: string, generateReport: () => Promise<void>) {
  const acquired = await cache.set("lock:report-gen", { owner: workerId }, {
    ifNotExists: true,
    ttlMs: 30_000,
  })
  if (acquired) {
    try { await generateReport() }
    finally { await cache.delete("lock:report-gen") }
  }
  return acquired
}

function cacheWithTtl(cache: Kv, fetchFromDatabase: (userId: string) => Promise<object>) {
  async function getUser(userId: string) {
    const cached = await cache.getJson(`user:${userId}`)
    if (cached) return cached

    const user = await fetchFromDatabase(userId)
    await cache.set(`user:${userId}`, user, { ttlMs: 5 * 60 * 1000 })
    return user
  }
  return getUser
}

export const seed: Case[] = [
  {
    name: "sample: quick start",
    async run({ open }) {
      await quickStart(async (id) => {
        equal(id, "cache");
        return await open();
      });
    },
  },
  {
    name: "samples: set, get, delete, exists, scan",
    async run({ kv }) {
      await kv.delete("lock:res");
      equal(await setAValue(kv, Uint8Array.from([1, 2, 3])), true);
      equal(await setAValue(kv, Uint8Array.from([0xff])), false);
      const { raw, text, user } = await getAValue(kv);
      equal(new TextDecoder().decode(raw), '{"name":"Alice"}');
      equal(text, "hello");
      equal(user, { name: "Alice" });
      await kv.set("user:456", "x");
      equal(await deleteExistsScan(kv), ["user:456"]);
      await kv.delete("user:456");
      equal(await getAValue(kv), { raw: undefined, text: "hello", user: undefined });
    },
  },
  {
    name: "sample: distributed lock",
    async run({ kv }) {
      const ran: string[] = [];
      const report = (who: string) => async () => {
        ran.push(who);
        // Nobody else gets it meanwhile.
        equal(await distributedLock(kv, "w2", async () => void ran.push("w2")), false);
      };
      equal(await distributedLock(kv, "w1", report("w1")), true);
      equal(await distributedLock(kv, "w3", report("w3")), true);
      const failing = distributedLock(kv, "w4", () => Promise.reject(new Error("no paper")));
      equal(await failing.catch((error: Error) => error.message), "no paper");
      equal(await distributedLock(kv, "w5", report("w5")), true);
      equal(ran, ["w1", "w3", "w5"]);
    },
  },
  {
    name: "sample: cache with a lifetime",
    async run({ kv }) {
      await kv.delete("user:7");
      let asked = 0;
      const getUser = cacheWithTtl(kv, async (userId) => ({ userId, asked: ++asked }));
      equal(await getUser("7"), { userId: "7", asked: 1 });
      equal(await getUser("7"), { userId: "7", asked: 1 });
      ok(((await kv.entry("user:7"))?.ttlMs ?? 0) > 290_000, "it lives for five minutes");
      await kv.delete("user:7");
      equal(await getUser("7"), { userId: "7", asked: 2 });
    },
  },
];
