// How calls share the event loop's turns.

import assert from "node:assert/strict";
import { test } from "node:test";

import { directory } from "./support/program.js";

test("many who wait for a turn are resumed in their order, as many in a turn as it has time for", async () => {
  // Before the package is loaded, which takes what it finds.
  const original = globalThis.setImmediate;
  let asked = 0;
  globalThis.setImmediate = ((callback: () => void) => {
    asked += 1;
    return original(callback);
  }) as typeof setImmediate;
  try {
    const { kv } = await import("@larder/kv");
    await using store = await kv("turns", { binding: { service: "local-kv", dataDir: directory() } });
    await store.set("k", "x");
    const CALLS = 10_000;
    const order: number[] = [];
    asked = 0;
    await Promise.all(Array.from({ length: CALLS }, (_, at) => store.exists("k").then(() => order.push(at))));
    assert.equal(order.length, CALLS);
    // One for each turn, and not one for each who waits in it.
    assert.ok(asked < CALLS / 5, `${asked} turns were asked for`);
    // Whoever came first is done about first, and not when all are.
    const first = order.slice(0, CALLS / 2).filter((at) => at < (CALLS * 3) / 4).length;
    assert.ok(first > CALLS * 0.45, `of the first half, ${first} came early`);
  } finally {
    globalThis.setImmediate = original;
  }
});
