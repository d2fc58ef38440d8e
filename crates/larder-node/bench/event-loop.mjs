// How long the event loop is stopped at most: by work on the store, and by nothing at all, which is what the machine adds.

import { kv } from "@larder/kv";
import { ENTRIES, keyOf } from "./cases.mjs";

const ROUND_MS = 100;
const ROUNDS = 5;
const KEYS = 1_000;
const LARGE = 24_576;

/** What is done, each for itself and then all of it at once. */
function workOn(store) {
  const keys = Array.from({ length: KEYS }, (_, at) => keyOf(at));
  const all = Array.from({ length: ENTRIES }, (_, at) => keyOf(at));
  const small = keys.map((key) => [key, new Uint8Array(1_024)]);
  const large = Array.from({ length: 200 }, (_, at) => [`large:${at}`, new Uint8Array(LARGE)]);
  const json = { text: "x".repeat(LARGE - 100) };
  return {
    "gets, one after the other": async () => {
      for (let at = 0; at < KEYS; at += 1) await store.get(keyOf((at * 7_919) % ENTRIES));
    },
    "gets at once": async () => { await Promise.all(keys.map((key) => store.get(key))); },
    "entries at once": async () => { await Promise.all(keys.map((key) => store.entry(key))); },
    "large gets at once": async () => { await Promise.all(large.map(([key]) => store.get(key))); },
    "puts, one after the other": async () => { for (let at = 0; at < 10; at += 1) await store.set(keyOf(at), { n: at }); },
    "puts at once": async () => { await Promise.all(small.map(([key, value]) => store.set(key, value))); },
    "large puts at once": async () => { await Promise.all(large.map(([key, value]) => store.set(key, value))); },
    "large JSON": async () => { await store.set("json", json); await store.getJson("json"); },
    "getMany of 10,000": async () => { await store.getMany(all); },
    "getMany, large": async () => { await store.getMany(large.map(([key]) => key)); },
    "setMany of 1,000": async () => { await store.setMany(small); },
    "setMany, large": async () => { await store.setMany(large); },
    "scan of 10,000": async () => { for await (const entry of store.scan("bench:")) void entry; },
    "scan, large": async () => { for await (const entry of store.scan("large:")) void entry; },
    "scanKeys of 10,000": async () => { for await (const info of store.scanKeys("bench:")) void info; },
    "a page, large": async () => { await store.scanPage("large:", { limit: 1_000 }); },
    "a page of 1,000": async () => { await store.scanPage("bench:", { limit: 1_000 }); },
  };
}

/**
 * How long the loop is stopped in milliseconds, of both sides.
 *
 * `usual` is the longest stop of the middle one of some rounds, of the kind of work that has the worst one: work that stops
 * the loop does so in every round. `ever` is the longest of all rounds, in which the machine's own have their part.
 */
export async function longestStops(dir) {
  const store = await kv("bench", { binding: { service: "local-kv", dataDir: dir } });
  const work = workOn(store);
  // All at once while it is warmed up, too. Code that has never run is compiled then.
  work["everything at once"] = async () => { await Promise.all(single.map((one) => one())); };
  const single = Object.values(workOn(store));
  await work["setMany, large"]();
  for (const one of Object.values(work)) await one();
  const [usual, ever] = [{ ours: 0, theirs: 0 }, { ours: 0, theirs: 0 }];
  let worst = "";
  for (const [name, one] of Object.entries(work)) {
    const [ours, theirs] = [[], []];
    for (let round = 0; round < ROUNDS; round += 1) {
      theirs.push(await longestStop(() => new Promise((resolve) => setTimeout(resolve, 1))));
      ours.push(await longestStop(one));
    }
    for (const [side, stops] of Object.entries({ ours, theirs })) {
      stops.sort((a, b) => a - b);
      if (side === "ours" && stops[ROUNDS >> 1] > usual.ours) worst = name;
      usual[side] = Math.max(usual[side], stops[ROUNDS >> 1]);
      ever[side] = Math.max(ever[side], stops[ROUNDS - 1]);
    }
    if (process.env.LARDER_BENCH_STOPS) console.error(`${ours.map((stop) => stop.toFixed(1)).join(" ")} ms: ${name}`);
  }
  console.error(`    the longest stop was that of ${worst}`);
  return { usual, ever };
}

/**
 * The longest time between two turns while something is done again and again. There is always a next turn to be taken, so
 * that all of it is work, or waiting.
 */
async function longestStop(work) {
  let longest = 0;
  let last = performance.now();
  let isOver = false;
  let ended;
  const tick = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (isOver) ended();
    else setImmediate(tick);
  };
  setImmediate(tick);
  const end = performance.now() + ROUND_MS;
  while (performance.now() < end) await work();
  isOver = true;
  // What the last work stopped counts, too.
  await new Promise((resolve) => { ended = resolve; });
  return longest;
}
