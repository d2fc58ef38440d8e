// How long the event loop is stopped at most: by work on the store, and by nothing at all, which is what the machine adds.

import { mkdtempSync, rmSync } from "node:fs";
import { PerformanceObserver } from "node:perf_hooks";

import { kv } from "@larder/kv";
import { kv as httpKv } from "@larder/kv/http";
import { ENTRIES, fillStore, keyOf, serve } from "./cases.mjs";

const ROUND_MS = 100;
const ROUNDS = 5;
const LIMIT_MS = 5;
/** Stops that nobody minds. */
const SHORT_MS = 0.2;
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

/** What is done over HTTP, too. Many calls at once are left out: `fetch` itself takes its time for each. */
const OVER_HTTP = [
  "large JSON", "getMany of 10,000", "getMany, large", "setMany of 1,000", "setMany, large", "scan of 10,000", "scan, large",
  "a page, large", "a page of 1,000",
];

/**
 * How long the loop is stopped in milliseconds, of both sides: the longest stop of the middle one of some rounds, of the
 * kind of work that has the worst one. The longest of all rounds is mostly the machine's own, as that of an idle process
 * shows; how many are over the limit is printed.
 *
 * What the engine's collector takes of a stop is not counted, and printed, too: whoever makes as many values of anything
 * has it stop as long.
 */
export async function longestStops(dir) {
  const store = await kv("bench", { binding: { service: "local-kv", dataDir: dir } });
  const work = workOn(store);
  const served = workOn(await servedStore(dir));
  await served["setMany, large"]();
  // Each begun in a turn of its own: thousands of calls in one are a stop that the caller makes.
  work["everything at once"] = async () => {
    await Promise.all(single.map(async (one, at) => {
      await new Promise((resolve) => setTimeout(resolve, at));
      await one();
    }));
  };
  const single = Object.values(workOn(store));
  await work["setMany, large"]();
  for (const one of Object.values(work)) await one();
  for (const name of OVER_HTTP) {
    work[`${name}, over HTTP`] = served[name];
    await served[name]();
  }
  const [longest, over] = [{ ours: 0, theirs: 0 }, { ours: 0, theirs: 0 }];
  let [worst, collected] = ["", 0];
  for (const [name, one] of Object.entries(work)) {
    const [ours, theirs] = [[], []];
    for (let round = 0; round < ROUNDS; round += 1) {
      theirs.push((await longestStop(() => new Promise((resolve) => setTimeout(resolve, 1)))).own);
      const stop = await longestStop(one);
      ours.push(stop.own);
      collected = Math.max(collected, stop.collected);
    }
    for (const [side, stops] of Object.entries({ ours, theirs })) {
      stops.sort((a, b) => a - b);
      if (side === "ours" && stops[ROUNDS >> 1] > longest.ours) worst = name;
      longest[side] = Math.max(longest[side], stops[ROUNDS >> 1]);
      over[side] += stops.filter((stop) => stop > LIMIT_MS).length;
    }
    if (process.env.LARDER_BENCH_STOPS) console.error(`${ours.map((stop) => stop.toFixed(1)).join(" ")} ms: ${name}`);
  }
  const rounds = ROUNDS * Object.keys(work).length;
  console.error(`    the worst was ${worst}; over ${LIMIT_MS} ms in ${over.ours} of ${rounds} rounds, idle in ${over.theirs}`);
  console.error(`    the collector stopped it for ${collected.toFixed(1)} ms at most`);
  return longest;
}

/** The same entries behind a gateway. */
async function servedStore(dir) {
  const own = mkdtempSync(`${dir}-served-`);
  process.on("exit", () => rmSync(own, { recursive: true, force: true }));
  const store = await httpKv("default", await serve(own));
  await fillStore(store);
  return store;
}

/**
 * The longest time between two turns while something is done again and again, less the collector's part in it, and the most
 * that the collector took of one. There is always a next turn to be taken, so that all of it is work, or waiting.
 */
async function longestStop(work) {
  const stops = [];
  const collections = [];
  const collector = new PerformanceObserver((list) => collections.push(...list.getEntries()));
  collector.observe({ entryTypes: ["gc"] });
  let last = performance.now();
  let isOver = false;
  let ended;
  const tick = () => {
    const now = performance.now();
    if (now - last > SHORT_MS) stops.push([last, now]);
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
  // Collections are told of later.
  await new Promise((resolve) => setTimeout(resolve, 2));
  collections.push(...collector.takeRecords());
  collector.disconnect();
  const parts = stops.map(([from, to]) => {
    const within = collections.filter(({ startTime }) => startTime >= from && startTime < to);
    const collected = within.reduce((sum, { duration }) => sum + duration, 0);
    return { own: to - from - collected, collected };
  });
  const most = (part) => Math.max(SHORT_MS, ...parts.map((stop) => stop[part]));
  return { own: most("own"), collected: most("collected") };
}
