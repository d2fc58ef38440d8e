// Handles that are disposed of while calls are under way.

import assert from "node:assert/strict";
import { test } from "node:test";

import { kv, valuesOf } from "@larder/kv";
import { kv as httpKv } from "@larder/kv/http";
import { all, equal, rejects } from "./suite/check.js";
import { addon } from "./support/addon.js";
import { directory, larder } from "./support/program.js";

const local = (dataDir: string) => ({ binding: { service: "local-kv", dataDir } });
/** More than the parts that are under way at once have. */
const keys = Array.from({ length: 2_500 }, (_, at) => `k:${10_000 + at}`);
const pairs = keys.map((key) => [key, key] as const);

/** What came to its end, in order. */
function ends() {
  const order: string[] = [];
  const noted = async <T>(name: string, work: PromiseLike<T>): Promise<T> => {
    try {
      return await work;
    } finally {
      order.push(name);
    }
  };
  return { order, noted };
}

test("a batch that was begun comes to its end with all its parts, and then the store is free", async () => {
  const dataDir = directory();
  const url = `local-kv:${dataDir}`;
  const { order, noted } = ends();
  {
    const store = await kv("ending", local(dataDir));
    const batch = noted("batch", store.setMany(pairs));
    const disposed = noted("disposed", store[Symbol.asyncDispose]());
    await rejects(store.get("k"), "InvalidInput");
    await rejects(store.setMany(pairs), "InvalidInput");
    equal(valuesOf(await batch).length, keys.length);
    await disposed;
    await store[Symbol.asyncDispose]();
  }
  assert.deepEqual(order.splice(0), ["batch", "disposed"]);
  assert.equal(await larder(["get", keys.at(-1)!, "--url", url], dataDir), keys.at(-1));
  {
    const store = await kv("ending", local(dataDir));
    const batches = [noted("batch", store.getMany(keys)), noted("batch", store.deleteMany(keys.slice(1)))];
    await noted("disposed", store[Symbol.asyncDispose]());
    for (const answers of await Promise.all(batches)) equal(valuesOf<unknown>(answers).length >= keys.length - 1, true);
  }
  assert.deepEqual(order, ["batch", "batch", "disposed"]);
  assert.equal(await larder(["get", keys[0]!, "--url", url], dataDir), keys[0]);
  await using again = await kv("ending", local(dataDir));
  equal((await all(again.scanKeys("k:"))).map(({ key }) => key), keys.slice(0, 1));
});

test("of a scan that was begun, the page under way comes whole, and the next one is refused", async () => {
  const dataDir = directory();
  const store = await kv("scanning", local(dataDir));
  valuesOf(await store.setMany(pairs.slice(0, 100)));
  for (const scan of ["scan", "scanKeys"] as const) {
    const handle = await kv("scanning", local(dataDir));
    const begun = handle[scan]("k:");
    const first = begun.next();
    const late = handle[scan]("k:");
    await handle[Symbol.asyncDispose]();
    equal((await first).value?.key, keys[0]);
    const seen: string[] = [];
    const rest = (async () => {
      for await (const { key } of begun) seen.push(key);
    })();
    assert.match((await rejects(rest, "InvalidInput")).message, /was disposed of; load the binding again/);
    // The first page has 32.
    equal(seen, keys.slice(1, 32));
    await rejects(all(late), "InvalidInput");
  }
  await store[Symbol.asyncDispose]();
});

test("what a signal has ended is waited for as long as the addon has it", async () => {
  const { prototype } = addon().Store;
  const original = { exists: prototype["exists"]!, close: prototype["close"]! };
  const { order, noted } = ends();
  let end = () => {};
  prototype["exists"] = () => new Promise<boolean>((resolve) => (end = () => resolve(true)));
  prototype["close"] = function () {
    order.push("closed");
    return original.close.call(this);
  };
  try {
    const store = await kv("left", local(directory()));
    const ending = new AbortController();
    const call = noted("call", store.exists("k", { signal: ending.signal })).catch(() => {});
    await new Promise((resolve) => setImmediate(resolve));
    ending.abort();
    await call;
    const disposed = noted("disposed", store[Symbol.asyncDispose]());
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    order.push("over");
    end();
    await disposed;
    assert.deepEqual(order, ["call", "over", "closed", "disposed"]);
  } finally {
    Object.assign(prototype, original);
  }
});

test("over HTTP, what was begun comes to its end behind the disposal, which waits for nothing", async () => {
  const { order, noted } = ends();
  let sent = 0;
  const fetch = async (_: unknown, init?: RequestInit) => {
    sent += 1;
    await new Promise((resolve) => setImmediate(resolve));
    const { entries } = JSON.parse(String(init?.body)) as { entries: { key: string }[] };
    return Response.json({ items: entries.map(({ key }) => ({ key, version: "AAAA" })), failed: 0 });
  };
  const store = await httpKv("ending", { url: "http://127.0.0.1", fetch: fetch as typeof globalThis.fetch });
  const batch = noted("batch", store.setMany(pairs));
  await noted("disposed", store[Symbol.asyncDispose]());
  equal(valuesOf(await batch).length, keys.length);
  assert.deepEqual([order, sent], [["disposed", "batch"], 10]);
  await rejects(store.get("k"), "InvalidInput");
});

test("over HTTP, a call that never ends, as where a runtime has dropped it, keeps no disposal", async () => {
  const fetch = (_: unknown, init?: RequestInit) => new Promise<never>((_, reject) => {
    init?.signal?.addEventListener("abort", () => reject(new Error("ended")));
  });
  const store = await httpKv("dropped", { url: "http://127.0.0.1", fetch });
  const ending = new AbortController();
  const calls = [store.get("k", { signal: ending.signal }), store.getMany(keys, { signal: ending.signal })];
  await store[Symbol.asyncDispose]();
  await rejects(store.get("k"), "InvalidInput");
  // No timer of theirs is to keep this process.
  ending.abort();
  for (const { status } of await Promise.allSettled(calls)) assert.equal(status, "rejected");
});
