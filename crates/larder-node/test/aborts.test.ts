// Signals and errors that come at the same time, in this process.

import assert from "node:assert/strict";
import { after, beforeEach, describe, test } from "node:test";

import { kv, LarderError } from "@larder/kv";
import { kv as httpKv } from "@larder/kv/http";
import { addon } from "./support/addon.js";
import { directory } from "./support/program.js";

const reason = new Error("enough");
const KEY = "session:0123456789abcdef";
/** As the addon throws. */
const RAW = JSON.stringify({
  kind: "Unavailable", message: "the disk is gone", retryable: true, operation: "get", binding: "aborts", key: KEY, causes: [],
});

/** The outcome of a call that should fail. */
const failed = (call: Promise<unknown>) => call.then(() => "it worked", (error: unknown) => error);

/** Whichever of the two came first: the addon's own text is never seen. */
function isClean(error: unknown): void {
  if (error === reason) return;
  assert.ok(error instanceof LarderError, `it is raw: ${String(error)}`);
  assert.equal(error.kind, "Unavailable");
  assert.ok(!`${error.message} ${String(error.cause)}`.includes(KEY), error.message);
}

describe("signals in this process", async () => {
  const store = await kv("aborts", { binding: { service: "local-kv", dataDir: directory() } });
  after(() => store[Symbol.asyncDispose]());
  const { prototype } = addon().Store;
  const original = { get: prototype["get"]!, exists: prototype["exists"]! };
  const unhandled: unknown[] = [];
  process.on("unhandledRejection", (error) => unhandled.push(error));
  beforeEach(() => {
    Object.assign(prototype, original);
    unhandled.length = 0;
  });
  after(() => void Object.assign(prototype, original));

  /** Puts something in the place of the addon's reads. */
  const reading = (read: () => unknown) => Object.assign(prototype, { get: read, exists: read });

  /** Lets rejections that nobody handles be told. */
  const settled = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));

  test("an error of the addon that a signal comes right behind is told as any other", async () => {
    for (const read of ["get", "exists"] as const) {
      const ending = new AbortController();
      // It fails, and the signal speaks before anybody can have seen that.
      reading(() => {
        queueMicrotask(() => ending.abort(reason));
        return Promise.reject(new Error(RAW));
      });
      isClean(await failed(store[read](KEY, { signal: ending.signal })));
      const thrown = new AbortController();
      reading(() => {
        queueMicrotask(() => thrown.abort(reason));
        throw new Error(RAW);
      });
      isClean(await failed(store[read](KEY, { signal: thrown.signal })));
    }
    await settled();
    assert.deepEqual(unhandled, []);
  });

  test("an error of the addon that comes behind the signal is nobody's", async () => {
    const ending = new AbortController();
    let reject = (_: Error) => {};
    const promise = new Promise<never>((_, given) => (reject = given));
    reading(() => promise);
    const call = failed(store.get(KEY, { signal: ending.signal }));
    await settled();
    ending.abort(reason);
    reject(new Error(RAW));
    assert.equal(await call, reason);
    await settled();
    assert.deepEqual(unhandled, []);
  });

  test("a signal that speaks while calls wait for their turn ends them, and the addon is not asked", async () => {
    const ending = new AbortController();
    let asked = 0;
    // As long as the whole of a turn: all behind the first have to wait.
    reading(() => {
      asked += 1;
      const end = performance.now() + 3;
      while (performance.now() < end);
      return Promise.resolve(null);
    });
    const { signal } = ending;
    const calls = Array.from({ length: 50 }, (_, at) => failed(store[at % 2 ? "get" : "exists"](KEY, { signal })));
    const others = Array.from({ length: 3 }, () => store.get(KEY));
    assert.ok(asked < 3, `${asked} were asked for at once`);
    ending.abort(reason);
    const before = asked;
    for (const outcome of await Promise.all(calls.slice(before))) assert.equal(outcome, reason);
    // Who gave no signal is answered all the same.
    await Promise.all(others);
    assert.equal(asked, before + 3);
    await settled();
    assert.deepEqual(unhandled, []);
  });

  test("over HTTP, too: what waits for its turn is not sent any more", async () => {
    const ending = new AbortController();
    let sent = 0;
    const fetch = async () => {
      sent += 1;
      const end = performance.now() + 3;
      while (performance.now() < end);
      return new Response("x");
    };
    const far = await httpKv("aborts", { url: "http://127.0.0.1", fetch });
    await settled();
    const calls = Array.from({ length: 50 }, () => failed(far.get(KEY, { signal: ending.signal })));
    assert.ok(sent < 3, `${sent} were sent at once`);
    ending.abort(reason);
    const before = sent;
    for (const outcome of await Promise.all(calls.slice(before))) assert.equal(outcome, reason);
    assert.equal(sent, before);
  });
});
