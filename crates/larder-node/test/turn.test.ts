// How calls share the event loop's turns.

import assert from "node:assert/strict";
import { test } from "node:test";

import { addon } from "./support/addon.js";
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

/** Does work that takes a millisecond, each time that it is called; `most` tells how often that was in one turn at most. */
function counted() {
  let [here, longest, isOver] = [0, 0, false];
  const next = () => {
    here = 0;
    if (!isOver) setImmediate(next);
  };
  setImmediate(next);
  const work = () => {
    here += 1;
    longest = Math.max(longest, here);
    const end = performance.now() + 1;
    while (performance.now() < end);
  };
  const most = () => {
    isOver = true;
    return longest;
  };
  return { work, most };
}

const AT_ONCE = 100;

test("of calls that are begun at once, a turn has only as many as it has time for: in a process", async () => {
  const { kv } = await import("@larder/kv");
  await using store = await kv("turns", { binding: { service: "local-kv", dataDir: directory() } });
  const { prototype } = addon().Store;
  for (const name of ["put", "delete", "touch", "increment", "page", "getMany"]) {
    const original = prototype[name]!;
    const { work, most } = counted();
    prototype[name] = function (...given: unknown[]) {
      work();
      return original.apply(this, given);
    };
    try {
      const calls = Array.from({ length: AT_ONCE }, (_, at): Promise<unknown> => {
        if (name === "put") return store.set(`k:${at}`, "x");
        if (name === "delete") return store.delete(`k:${at}`);
        if (name === "touch") return store.touch(`k:${at}`, 1_000);
        if (name === "increment") return store.increment(`n:${at}`);
        return name === "page" ? store.scanPage("k:") : store.getMany([`k:${at}`]);
      });
      await Promise.all(calls);
      // Each takes longer than there is time; four who begin one are resumed together.
      assert.ok(most() <= 4, `${name} was called ${most()} times in a turn`);
    } finally {
      prototype[name] = original;
    }
  }
});

test("of calls that are begun at once, a turn has only as many as it has time for: over HTTP", async () => {
  const { kv } = await import("@larder/kv/http");
  const { work, most } = counted();
  const fetch = async () => {
    work();
    return new Response("x");
  };
  const store = await kv("turns", { url: "http://127.0.0.1", fetch });
  await Promise.all(Array.from({ length: AT_ONCE }, (_, at) => store.get(`k:${at}`)));
  assert.ok(most() <= 4, `${most()} requests were sent in a turn`);
});
