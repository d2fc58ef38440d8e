// Measures both sides of a case, `node run.mjs CASE DIR`, and prints them: microseconds for each operation, or
// milliseconds. `larder-bench node` runs this; `fill` only prepares the store.

import * as cases from "./cases.mjs";
import { longestStops } from "./event-loop.mjs";

const [, , name, dir] = process.argv;
const TURNS = 40;

async function timed(side, operations) {
  const began = performance.now();
  await side(operations);
  return performance.now() - began;
}

async function both(one) {
  const { operations, turns = TURNS, ours, theirs } = await one(dir);
  // Until the engine has compiled both.
  const warming = Math.min(turns, 8);
  for (let turn = 0; turn < warming; turn += 1) {
    await theirs(operations);
    await ours(operations);
  }
  let [mine, others] = [0, 0];
  for (let turn = 0; turn < turns; turn += 1) {
    others += await timed(theirs, operations);
    mine += await timed(ours, operations);
  }
  const perOperation = (ms) => (ms * 1_000) / (operations * turns);
  return { ours: perOperation(mine), theirs: perOperation(others) };
}

if (name === "fill") {
  await cases.fill(dir);
  console.log("0 0");
} else {
  const { ours, theirs } = name === "event-loop" ? await longestStops(dir) : await both(cases[name]);
  console.log(`${ours} ${theirs}`);
}
process.exit();
