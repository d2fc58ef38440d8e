// The samples of the documentation that the client follows, as they stand there, against a real gateway.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";

import { type ClientOptions, createClient, type DataPage, LarderError, type Result } from "@larder/kv/client";
import { problem, Proxy } from "./support/proxy.js";
import { Gateway, larder } from "./support/program.js";
import { make } from "./support/stores.js";

/** The script of the sample: the total of an order in the store. */
const SCRIPT = `
export default async function ({ orderId, includeShipping }, { kv }) {
  if (orderId === "none") throw new Error("there is no such order");
  await kv.put("order:" + orderId, JSON.stringify({ prices: [9.5, 10], shipping: 5 }));
  const { prices, shipping } = JSON.parse(await kv.getText("order:" + orderId));
  const total = prices.reduce((sum, price) => sum + price, includeShipping ? shipping : 0);
  return { orderId, total };
}
`;

describe("the client of the plain API", async () => {
  const { id, cwd, env } = await make("embedded");
  writeFileSync(join(cwd, "totals.mjs"), SCRIPT);
  await larder(["script", "deploy", "calculate-totals", "totals.mjs", "--binding", id], cwd, env);
  const gateway = await Gateway.start(["--binding", id], cwd, env);
  after(() => gateway.stop());
  const sdk = createClient({ baseUrl: gateway.url });
  const printed: unknown[][] = [];
  const console = { log: (...given: unknown[]) => void printed.push(given) };

  test("sample: put data", async () => {
    const result = await sdk.database.putData({
      key: 'user:preferences:usr_abc123',
      value: {
        theme: 'dark',
        language: 'en',
        notifications: true
      },
      ttl: 86400 * 30 // 30 days in seconds
    });
    assert.deepEqual(result, { ok: true, val: { key: "user:preferences:usr_abc123", stored: true } });
  });

  test("sample: scan data", async () => {
    // Get single key
    const result = await sdk.database.scanData({
      key: 'user:preferences:usr_abc123'
    });

    if (result.ok) {
      console.log(result.val.value);
    }

    // Scan by prefix
    const prefixResult = await sdk.database.scanData({
      prefix: 'user:preferences:',
      limit: 100
    });

    if (prefixResult.ok) {
      prefixResult.val.items.forEach(item => {
        console.log(item.key, item.value);
      });
    }

    const value = { theme: "dark", language: "en", notifications: true };
    assert.deepEqual(printed.splice(0), [[value], ["user:preferences:usr_abc123", value]]);
    assert.ok(result.ok && Date.parse(result.val.expiresAt ?? "") - Date.now() > 29 * 86_400_000);
    assert.ok(prefixResult.ok && prefixResult.val.cursor === null);
  });

  test("sample: delete data", async () => {
    const result = await sdk.database.deleteData({
      key: 'user:preferences:usr_abc123'
    });
    assert.deepEqual(result, { ok: true, val: { key: "user:preferences:usr_abc123" } });
    const gone = await sdk.database.scanData({ key: "user:preferences:usr_abc123" });
    assert.ok(!gone.ok && gone.val.error === "NOT_FOUND" && gone.val.statusCode === 404);
  });

  test("sample: session storage", async () => {
    const sessionId = crypto.randomUUID();
    // Store session data
    await sdk.database.putData({
      key: `session:${sessionId}`,
      value: {
        userId: 'usr_abc123',
        cart: [],
        lastActivity: Date.now()
      },
      ttl: 3600 // 1 hour
    });

    // Retrieve session
    const session = await sdk.database.scanData({
      key: `session:${sessionId}`
    });
    assert.ok(session.ok && session.val.value.userId === "usr_abc123");
  });

  test("sample: caching", async () => {
    let asked = 0;
    const shop = {
      getProduct: async ({ id }: { businessId: string; id: string }) => {
        asked += 1;
        return id === "none" ? { ok: false as const } : { ok: true as const, val: { id, price: 9.5 } };
      },
    };
    const withShop = Object.assign({ eshop: shop }, sdk);
    await cachingSample(withShop, () => asked);
  });

  async function cachingSample(sdk: { eshop: any } & ReturnType<typeof createClient>, asked: () => number) {
    async function getProductWithCache(productId: string) {
      const cacheKey = `cache:product:${productId}`;

      // Try cache first
      const cached = await sdk.database.scanData({ key: cacheKey });
      if (cached.ok && cached.val.value) {
        return cached.val.value;
      }

      // Fetch from API
      const product = await sdk.eshop.getProduct({
        businessId: 'biz_abc123',
        id: productId
      });

      if (product.ok) {
        // Cache for 5 minutes
        await sdk.database.putData({
          key: cacheKey,
          value: product.val,
          ttl: 300
        });
        return product.val;
      }

      return null;
    }

    assert.deepEqual(await getProductWithCache("p1"), { id: "p1", price: 9.5 });
    assert.deepEqual(await getProductWithCache("p1"), { id: "p1", price: 9.5 });
    assert.equal(asked(), 1);
    assert.equal(await getProductWithCache("none"), null);
  }

  test("sample: rate limiting", async () => {
    async function checkRateLimit(userId: string, action: string): Promise<boolean> {
      const key = `ratelimit:${action}:${userId}`;
      const window = 60; // 1 minute
      const maxRequests = 10;

      const result = await sdk.database.scanData({ key });

      if (result.ok && result.val.value) {
        const count = result.val.value.count;

        if (count >= maxRequests) {
          return false; // Rate limited
        }

        // Increment counter
        await sdk.database.putData({
          key,
          value: { count: count + 1 },
          ttl: window
        });
      } else {
        // First request in window
        await sdk.database.putData({
          key,
          value: { count: 1 },
          ttl: window
        });
      }

      return true;
    }

    const allowed: boolean[] = [];
    for (let request = 0; request < 12; request += 1) allowed.push(await checkRateLimit("u1", "login"));
    assert.deepEqual(allowed, [...Array.from({ length: 10 }, () => true), false, false]);
    assert.equal(await checkRateLimit("u2", "login"), true);
  });

  test("sample: feature flags", async () => {
    // Check feature
    async function isFeatureEnabled(feature: string): Promise<boolean> {
      const config = await sdk.database.scanData({
        key: 'config:features'
      });

      if (config.ok) {
        return config.val.value[feature] === true;
      }

      return false;
    }

    assert.equal(await isFeatureEnabled("newCheckout"), false);
    // Store feature config
    await sdk.database.putData({
      key: 'config:features',
      value: {
        newCheckout: true,
        darkMode: false,
        betaFeatures: ['feature-a', 'feature-b']
      }
    });
    assert.equal(await isFeatureEnabled("newCheckout"), true);
    assert.equal(await isFeatureEnabled("darkMode"), false);
    assert.equal(await isFeatureEnabled("other"), false);
  });

  test("sample: distributed locks", async () => {
    async function acquireLock(lockName: string, ttl: number = 30): Promise<boolean> {
      const key = `lock:${lockName}`;
      const lockId = crypto.randomUUID();

      const existing = await sdk.database.scanData({ key });

      if (existing.ok && existing.val.value) {
        return false; // Lock already held
      }

      await sdk.database.putData({
        key,
        value: { lockId, acquiredAt: Date.now() },
        ttl
      });

      return true;
    }

    async function releaseLock(lockName: string): Promise<void> {
      await sdk.database.deleteData({ key: `lock:${lockName}` });
    }

    let processed = 0;
    async function processOrders() {
      assert.equal(await acquireLock("order-processing"), false);
      processed += 1;
    }

    // Usage
    if (await acquireLock('order-processing')) {
      try {
        await processOrders();
      } finally {
        await releaseLock('order-processing');
      }
    }

    assert.equal(processed, 1);
    assert.equal(await acquireLock("order-processing"), true);
    // What looks first lets two in at once; this does not.
    const tries = Array.from({ length: 8 }, () =>
      sdk.database.putData({ key: "lock:safe", value: {}, ttl: 30, ifNotExists: true }));
    const stored = (await Promise.all(tries)).filter((result) => result.ok && result.val.stored);
    assert.equal(stored.length, 1);
  });

  test("sample: run script", async () => {
    const result = await sdk.database.runScript({
      script: 'calculate-totals',
      input: {
        orderId: 'ord_xyz789',
        includeShipping: true
      }
    });

    if (result.ok) {
      console.log('Script output:', result.val);
    }
    assert.deepEqual(printed.splice(0), [["Script output:", { orderId: "ord_xyz789", total: 24.5 }]], JSON.stringify(result));
  });

  test("what a script does wrong is a result", async () => {
    const thrown = await sdk.database.runScript({ script: "calculate-totals", input: { orderId: "none" } });
    assert.ok(!thrown.ok && thrown.val.error === "SCRIPT_ERROR" && thrown.val.statusCode === 422, JSON.stringify(thrown));
    assert.equal(thrown.val.details?.["message"], "there is no such order");
    const missing = await sdk.database.runScript({ script: "no-such-script" });
    assert.ok(!missing.ok && missing.val.statusCode === 404, JSON.stringify(missing));
  });

  test("pages are gone through by their cursors", async () => {
    for (let at = 0; at < 5; at += 1) await sdk.database.putData({ key: `page:${at}`, value: at });
    const seen: number[] = [];
    let cursor: string | null = null;
    do {
      const page: Result<DataPage<number>> = await sdk.database.scanData<number>({ prefix: "page:", limit: 2, cursor });
      assert.ok(page.ok);
      seen.push(...page.val.items.map(({ value }) => value));
      cursor = page.val.cursor;
    } while (cursor !== null);
    assert.deepEqual(seen, [0, 1, 2, 3, 4]);
  });

  test("of a page of the largest size no more than a piece is parsed at once", async (context) => {
    const text = "x".repeat(24_000);
    for (let at = 0; at < 180; at += 1) await sdk.database.putData({ key: `large:${at}`, value: { at, text } });
    let longest = 0;
    const parse = JSON.parse;
    context.mock.method(JSON, "parse", (given: string) => {
      longest = Math.max(longest, given.length);
      return parse(given) as unknown;
    });
    const page = await sdk.database.scanData<{ at: number; text: string }>({ prefix: "large:", limit: 1_000 });
    context.mock.restoreAll();
    assert.ok(page.ok && page.val.cursor !== null, "it is not full");
    // As many as 4 MiB have room for.
    assert.ok(page.val.items.length > 170, `it has ${page.val.items.length} entries`);
    for (const { key, value } of page.val.items) assert.deepEqual([key, value.text], [`large:${value.at}`, text]);
    assert.ok(longest > 24_000 && longest < 70_000, `${longest} characters were parsed at once`);
  });

  test("what the gateway refuses is a result, with what was wrong", async () => {
    const both = await sdk.database.scanData({ key: "a", prefix: "a" } as { key: string });
    assert.ok(!both.ok);
    assert.deepEqual([both.val.error, both.val.statusCode], ["VALIDATION_ERROR", 400]);
    assert.ok((both.val.validationErrors?.length ?? 0) > 0);
    const neither = await sdk.database.scanData({} as { key: string });
    assert.equal(neither.ok, false);
    const negative = await sdk.database.putData({ key: "k", value: 1, ttl: -1 });
    assert.ok(!negative.ok && negative.val.error === "VALIDATION_ERROR");
    const circle: { self?: unknown } = {};
    circle.self = circle;
    const unwritable = await sdk.database.putData({ key: "k", value: circle });
    assert.ok(!unwritable.ok && unwritable.val.error === "VALIDATION_ERROR");
  });

  test("what JSON cannot say is refused, and nothing stays for ever because of it", async () => {
    const put = (data: object) => sdk.database.putData({ key: "odd", value: 1, ...data });
    for (const ttl of [Number.NaN, Infinity, -Infinity, new Number(Number.NaN), () => 1, "60", { toJSON: () => null }]) {
      const result = await put({ ttl });
      assert.ok(!result.ok, String(ttl));
      assert.deepEqual([result.val.error, result.val.validationErrors?.[0]?.field], ["VALIDATION_ERROR", "ttl"]);
    }
    for (const value of [Number.NaN, Infinity, undefined, () => 1]) {
      const result = await put({ value });
      assert.ok(!result.ok && result.val.error === "VALIDATION_ERROR", String(value));
    }
    const gone = await sdk.database.scanData({ key: "odd" });
    assert.ok(!gone.ok && gone.val.error === "NOT_FOUND");
    assert.equal((await put({ ttl: null })).ok, true);
  });

  test("no argument makes a call reject", async () => {
    const throwing = { get key(): string { throw new Error("hunter2"); }, get ttl(): number { throw new Error("hunter2"); } };
    for (const odd of [
      { key: "\ud800" }, { prefix: "a\udc00" }, { key: Object.create(null) }, { key: Symbol("k") }, { "\ud800": 1 }, throwing,
      { key: { toString: () => { throw new Error("hunter2"); } } }, undefined, null, 7, "key",
    ]) {
      const calls: ((given: never) => Promise<Result<unknown>>)[] = [
        (given) => sdk.database.scanData(given), (given) => sdk.database.deleteData(given), (given) => sdk.database.putData(given),
        (given) => sdk.database.runScript(given),
      ];
      for (const call of calls) {
        const result = await call(odd as never);
        assert.ok(!result.ok && result.val.error === "VALIDATION_ERROR", JSON.stringify(result));
        assert.ok(!result.val.message.includes("hunter2"));
      }
    }
  });

  test("the status is that of the answer, also of one that a proxy gives", async (context) => {
    const proxy = await Proxy.start(gateway.url);
    context.after(() => proxy.stop());
    const behind = createClient({ baseUrl: proxy.url, timeoutMs: 300 });
    for (const [status, error] of [[413, "NETWORK_ERROR"], [403, "NETWORK_ERROR"], [502, "NETWORK_ERROR"], [504, "TIMEOUT"]] as const) {
      proxy.faults = Array.from({ length: 20 }, () => ({ status, body: "<html>" }));
      const read = await behind.database.scanData({ key: "k" });
      assert.ok(!read.ok);
      assert.deepEqual([read.val.error, read.val.statusCode], [error, status]);
      proxy.faults = Array.from({ length: 20 }, () => ({ status, body: "<html>" }));
      const written = await behind.database.putData({ key: "k", value: 1, ifNotExists: true });
      assert.ok(!written.ok);
      assert.deepEqual([written.val.error, written.val.statusCode], ["AMBIGUOUS", status]);
    }
  });

  test("what the network does is a result, too", async () => {
    const proxy = await Proxy.start(gateway.url);
    const faulty = createClient({ baseUrl: proxy.url, timeoutMs: 500 });
    const put = (ifNotExists: boolean) => faulty.database.putData({ key: "net", value: 1, ifNotExists });
    proxy.faults = ["lose-reply"];
    assert.equal((await put(false)).ok, true);
    proxy.faults = ["lose-reply"];
    await sdk.database.deleteData({ key: "net" });
    const ambiguous = await put(true);
    assert.ok(!ambiguous.ok);
    assert.deepEqual([ambiguous.val.error, ambiguous.val.statusCode], ["AMBIGUOUS", 0]);
    assert.equal((await sdk.database.scanData({ key: "net" })).ok, true);
    proxy.faults = ["lose-reply"];
    const before = proxy.seen.length;
    const script = await faulty.database.runScript({ script: "count" });
    assert.ok(!script.ok && script.val.error === "AMBIGUOUS");
    assert.equal(proxy.seen.length, before + 1, "a script is not run again by itself");
    proxy.faults = [{ status: 200, body: "<html>" }];
    const foreign = await faulty.database.scanData({ key: "net" });
    assert.ok(!foreign.ok && foreign.val.error === "NETWORK_ERROR");
    proxy.faults = [{ status: 401, body: problem("UNAUTHORIZED", 401) }];
    const refused = await faulty.database.scanData({ key: "net" });
    assert.deepEqual(refused, {
      ok: false,
      val: { error: "UNAUTHORIZED", message: "why", statusCode: 401, validationErrors: [] },
    });
    proxy.faults = ["hang"];
    const late = await createClient({ baseUrl: proxy.url, timeoutMs: 200 }).database.scanData({ key: "net" });
    assert.ok(!late.ok && late.val.error === "TIMEOUT");
    proxy.stop();
    const nobody = await faulty.database.scanData({ key: "net" });
    assert.ok(!nobody.ok && nobody.val.error === "NETWORK_ERROR" && nobody.val.statusCode === 0);
  });

  test("a client that cannot work is refused when it is made", () => {
    assert.throws(() => createClient({ baseUrl: "gateway" }), LarderError);
    for (const options of [undefined, null, {}, { url: gateway.url }, { baseUrl: gateway.url, url: gateway.url }]) {
      assert.throws(() => createClient(options as ClientOptions), /the options are an object with a baseUrl/);
    }
    assert.throws(() => createClient({ baseUrl: gateway.url, apiKey: "a b" }), LarderError);
  });
});
