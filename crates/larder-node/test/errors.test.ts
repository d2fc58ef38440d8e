// Errors that are told anew by who knows what they are about.

import assert from "node:assert/strict";
import { test } from "node:test";

import { invalid, LarderError, retold } from "../ts/errors.js";

test("an error that is told anew keeps what it is due to", () => {
  const cause = new Error("below");
  const fail = () => {
    throw new LarderError("Corrupt", "the value: is odd", { cause });
  };
  const facts = { operation: "get", key: "k", binding: "cache" };
  assert.throws(
    () => retold(fail, (kind, message, why) => new LarderError(kind, message, { ...facts, ...why })),
    { kind: "Corrupt", message: 'get "k" on "cache": corrupt: the value: is odd', cause },
  );
  assert.throws(() => retold(fail, (_, message, why) => invalid(`item 1: ${message}`, why)), { kind: "InvalidInput", cause });
  // There is none where there was none.
  const plain = () => {
    throw invalid("odd");
  };
  assert.throws(() => retold(plain, (_, message, why) => invalid(message, why)), (error: Error) => !("cause" in error));
});
