// The examples, on an embedded store.

import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test } from "node:test";

import { kv } from "@larder/kv";
import { cachedLoader } from "../examples/cached-loader.js";
import { countingApp } from "../examples/session-store.js";
import { directory } from "./support/program.js";

const open = () => kv("example", { binding: { service: "local-kv", dataDir: directory() } });

test("example: sessions of Express", async () => {
  await using store = await open();
  const serve = async () => {
    const server = countingApp(store, "a secret of the tests").listen(0, "127.0.0.1");
    await once(server, "listening");
    return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  };
  const one = await serve();
  const first = await fetch(one.url);
  assert.deepEqual(await first.json(), { visits: 1 });
  const cookie = first.headers.get("set-cookie")?.split(";")[0] ?? "";
  assert.deepEqual(await (await fetch(one.url, { headers: { cookie } })).json(), { visits: 2 });
  one.server.close();
  one.server.closeAllConnections();

  // Another process would find the session, too; and nobody else's visits count.
  const two = await serve();
  assert.deepEqual(await (await fetch(two.url, { headers: { cookie } })).json(), { visits: 3 });
  assert.deepEqual(await (await fetch(two.url)).json(), { visits: 1 });
  const keys = (await store.scanKeysPage("session:")).items;
  assert.equal(keys.length, 2);
  assert.ok(keys.every(({ ttlMs }) => ttlMs !== undefined && ttlMs > 23 * 3_600_000));
  // Who only looks keeps the session all the same.
  for (const { key } of keys) await store.touch(key, 60_000);
  assert.deepEqual(await (await fetch(`${two.url}/visits`, { headers: { cookie } })).json(), { visits: 3 });
  const lifetimes = (await store.scanKeysPage("session:")).items.map(({ ttlMs }) => ttlMs ?? 0);
  assert.equal(lifetimes.filter((ttlMs) => ttlMs > 23 * 3_600_000).length, 1, `${lifetimes}`);
  await fetch(`${two.url}/logout`, { method: "POST", headers: { cookie } });
  assert.equal((await store.scanKeysPage("session:")).items.length, 1);
  assert.deepEqual(await (await fetch(two.url, { headers: { cookie } })).json(), { visits: 1 });
  two.server.close();
  two.server.closeAllConnections();
});

test("example: a cached loader", async () => {
  await using store = await open();
  const asked: string[] = [];
  const load = async (id: string) => {
    asked.push(id);
    return { id, at: asked.length };
  };
  const options = { prefix: "user", ttlMs: 60_000 };
  const user = cachedLoader(store, load, options);
  // Many at once load once, and so do later ones, also by another loader on the same store.
  const all = await Promise.all(Array.from({ length: 20 }, () => user("7")));
  assert.deepEqual(all, Array.from({ length: 20 }, () => ({ id: "7", at: 1 })));
  assert.deepEqual(await cachedLoader(store, load, options)("7"), { id: "7", at: 1 });
  assert.deepEqual(asked, ["7"]);
  const left = (await store.entry("user:7"))?.ttlMs;
  assert.ok(left !== undefined && left > 40_000 && left <= 60_000, `${left} ms remain`);
  await store.delete("user:7");
  assert.deepEqual(await user("7"), { id: "7", at: 2 });
  // What cannot be read is loaded anew, and a failure is not kept.
  await store.set("user:8", "no JSON");
  assert.deepEqual(await user("8"), { id: "8", at: 3 });
  const failing = cachedLoader<object>(store, () => Promise.reject(new Error("away")), options);
  await assert.rejects(failing("9"), /away/);
  assert.equal(await store.exists("user:9"), false);
});
