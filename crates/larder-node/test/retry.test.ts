// The pause between the attempts of a request.

import assert from "node:assert/strict";
import { test } from "node:test";

import { pause } from "../ts/http/retry.js";

const reason = new Error("enough");
/** Longer than the test may take. */
const LONG_MS = 2 ** 31 - 1;

test("a signal that spoke before a pause, or speaks in it, ends it", { timeout: 10_000 }, async () => {
  const outcome = (waiting: Promise<void>) => waiting.then(() => "its end", (error: unknown) => error);
  assert.equal(await outcome(pause(LONG_MS, AbortSignal.abort(reason))), reason);
  const ending = new AbortController();
  const waiting = outcome(pause(LONG_MS, ending.signal));
  ending.abort(reason);
  assert.equal(await waiting, reason);
  assert.equal(await outcome(pause(1, new AbortController().signal)), "its end");
});
