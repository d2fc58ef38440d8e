// The store's own copies of values.

import assert from "node:assert/strict";
import { test } from "node:test";

import { toBytes } from "../ts/check/value.js";

test("small values are copied into memory that many share, each into a place of its own", () => {
  const given = Array.from({ length: 1_000 }, (_, at) => new Uint8Array(1_024).fill(at));
  const copies = given.map(toBytes);
  for (const bytes of given) bytes.fill(255);
  for (const [at, copy] of copies.entries()) {
    assert.equal(copy.byteLength, 1_024);
    assert.ok(copy.every((byte) => byte === at % 256), `copy ${at} was written over`);
  }
  const buffers = new Set(copies.map(({ buffer }) => buffer));
  assert.ok(buffers.size <= 17, `they take ${buffers.size} buffers`);
});

test("large values, and arrays that are parts of others, are copied whole and alone", () => {
  const large = toBytes(new Uint8Array(24_576).fill(7));
  assert.equal(large.buffer.byteLength, 24_576);
  const part = toBytes(new Uint8Array([1, 2, 3, 4]).subarray(1, 3));
  assert.deepEqual([...part], [2, 3]);
  assert.equal(toBytes(new Uint8Array(0)).byteLength, 0);
});
