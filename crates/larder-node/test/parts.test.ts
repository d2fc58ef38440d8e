// Batches whose parts fail with what no transport is to fail with.

import assert from "node:assert/strict";
import { test } from "node:test";

import { inParts } from "../ts/batch.js";

const LIMITS = { items: 1, bytes: 1_000, bytesOf: () => 1 };

test("a part that fails by a defect ends the batch, whichever it is and however soon it fails", async () => {
  const PARTS = 10;
  for (let failing = 0; failing < PARTS; failing += 1) {
    for (const turns of [0, 1, 5]) {
      const given = Array.from({ length: PARTS }, (_, at) => at);
      const run = async ([item]: number[]): Promise<PromiseSettledResult<string>[]> => {
        const waits = item === failing ? turns : 1;
        for (let turn = 0; turn < waits; turn += 1) await new Promise((resolve) => setImmediate(resolve));
        if (item === failing) throw new RangeError("out of memory");
        return [{ status: "fulfilled", value: `${item}` }];
      };
      const what = `part ${failing}, after ${turns} turns`;
      await assert.rejects(inParts(given, LIMITS, run, undefined), RangeError, what);
    }
  }
});
