// The package in a realm of its own, as Jest runs it: what the addon gives is of another one.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";
import { createContext, runInContext } from "node:vm";

import type * as Package from "@larder/kv";
import { addon } from "./support/addon.js";
import { directory } from "./support/program.js";

/** Evaluates the package's own files in another realm; everything else, and the addon, are of this one. */
function inAnotherRealm(): typeof Package {
  const given = { AbortController, AbortSignal, performance, process, setImmediate, TextDecoder, TextEncoder };
  const context = createContext({ ...given });
  // Node 20 has it in its first realm alone, and Jest hands it on.
  const symbol = runInContext("Symbol", context) as SymbolConstructor;
  if (symbol.asyncDispose === undefined) Object.defineProperty(symbol, "asyncDispose", { value: Symbol.asyncDispose });
  const modules = new Map<string, { exports: unknown }>();
  const load = (path: string): unknown => {
    const known = modules.get(path);
    if (known !== undefined) return known.exports;
    const module = { exports: {} };
    modules.set(path, module);
    const outer = createRequire(path);
    const inner = (name: string) => (name.startsWith("./") ? load(join(dirname(path), name)) : outer(name));
    const text = `(function (exports, require, module, __filename) {${readFileSync(path, "utf8")}\n})`;
    runInContext(text, context)(module.exports, inner, module, path);
    return module.exports;
  };
  // Where the runner starts tests.
  return load(join(process.cwd(), "dist/index.cjs")) as typeof Package;
}

test("in another realm than the addon's, answers and errors are what they are in its own", async () => {
  const { kv, LarderError } = inAnotherRealm();
  const store = await kv("realm", { binding: { service: "local-kv", dataDir: directory() } });
  const key = "session:0123456789abcdef";
  assert.equal(await store.get(key), undefined);
  assert.equal(await store.getText(key), undefined);
  assert.equal(await store.get(key, { signal: new AbortController().signal }), undefined);
  await store.set(key, "no number");
  // From another thread first, and from memory then.
  for (let at = 0; at < 50; at += 1) assert.equal(await store.getText(key), "no number");
  const error = await store.increment(key).catch((error: unknown) => error);
  assert.ok(error instanceof LarderError);
  assert.deepEqual([error.kind, error.key], ["InvalidInput", key]);
  assert.ok(error.message.startsWith('increment "session:…(24 bytes)" on "realm": invalid input: '), error.message);
  assert.ok(!inspect(error, { depth: 9 }).includes("0123456789"), inspect(error));
  // What was read can be stored, one by one and in a batch.
  const read = await store.get(key);
  assert.ok(read !== undefined);
  await store.set("copy:1", read);
  await store.setMany([["copy:2", read]]);
  for (const copy of ["copy:1", "copy:2"]) assert.equal(await store.getText(copy), "no number");
  await store[Symbol.asyncDispose]();
});

test("in another realm, too, disposal waits for reads that were begun", async () => {
  const { kv } = inAnotherRealm();
  const { prototype } = addon().Store;
  const original = { get: prototype["get"]!, close: prototype["close"]! };
  const order: string[] = [];
  let end = () => {};
  prototype["get"] = () => new Promise<null>((resolve) => (end = () => resolve(null)));
  prototype["close"] = function () {
    order.push("closed");
    return original.close.call(this);
  };
  try {
    const store = await kv("realm", { binding: { service: "local-kv", dataDir: directory() } });
    const read = store.get("k");
    const disposed = store[Symbol.asyncDispose]();
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    order.push("over");
    end();
    assert.deepEqual(await Promise.all([read, disposed]), [undefined, undefined]);
    assert.deepEqual(order, ["over", "closed"]);
  } finally {
    Object.assign(prototype, original);
  }
});
