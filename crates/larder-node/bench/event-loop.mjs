// How long the event loop is stopped at most: by work on the store, and by nothing at all, which is what the machine adds.

import { openSync, readSync } from "node:fs";

import { kv } from "@larder/kv";
import { ENTRIES, keyOf } from "./cases.mjs";

const ROUND_MS = 150;
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

/** The longest stops in milliseconds, of both sides. */
export async function longestStops(dir) {
  const store = await kv("bench", { binding: { service: "local-kv", dataDir: dir } });
  const work = workOn(store);
  // All at once while it is warmed up, too. Code that has never run is compiled then.
  work["everything at once"] = async () => { await Promise.all(single.map((one) => one())); };
  const single = Object.values(workOn(store));
  await work["setMany, large"]();
  for (const one of Object.values(work)) await one();
  let [ours, theirs, worst] = [0, 0, ""];
  for (const [name, one] of Object.entries(work)) {
    theirs = Math.max(theirs, await longestStop(() => new Promise((resolve) => setTimeout(resolve, 1))));
    const stop = await longestStop(one);
    if (process.env.LARDER_BENCH_STOPS) console.error(`${stop.toFixed(2)} ms: ${name}`);
    if (stop > ours) [ours, worst] = [stop, name];
  }
  console.error(`    the longest stop was that of ${worst}`);
  return { ours, theirs };
}

/**
 * The longest time between two turns while something is done again and again, less what the thread waited for a processor
 * that others had. There is always a next turn to be taken, so that the rest is work, or waiting for a disk.
 */
async function longestStop(work) {
  let longest = 0;
  let last = performance.now() - waitedMs();
  let isOver = false;
  const tick = () => {
    const now = performance.now() - waitedMs();
    longest = Math.max(longest, now - last);
    last = now;
    if (!isOver) setImmediate(tick);
  };
  setImmediate(tick);
  const end = performance.now() + ROUND_MS;
  while (performance.now() < end) await work();
  isOver = true;
  return longest;
}

const schedule = openSync("/proc/self/schedstat", "r");
const line = Buffer.alloc(128);

/** How long JavaScript's thread has waited for a processor: Linux tells. */
function waitedMs() {
  const length = readSync(schedule, line, 0, line.length, 0);
  return Number(line.toString("latin1", 0, length).split(" ")[1]) / 1e6;
}
