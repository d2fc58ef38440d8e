// How long the event loop is stopped at most: by work on the store, and by nothing at all, which is what the machine adds.

import { openSync, readSync } from "node:fs";

import { kv } from "@larder/kv";
import { ENTRIES, keyOf } from "./cases.mjs";

const ROUND_MS = 150;
const ROUNDS = 8;

/** The longest stops in milliseconds, of both sides. */
export async function longestStops(dir) {
  const store = await kv("bench", { binding: { service: "local-kv", dataDir: dir } });
  const large = Array.from({ length: 100 }, (_, at) => [`large:${at}`, new Uint8Array(24_576)]);
  await store.setMany(large);
  const keys = Array.from({ length: 1_000 }, (_, at) => keyOf(at));
  const entries = keys.map((key) => [key, new Uint8Array(1_024)]);
  const work = [
    async () => { for (let at = 0; at < 1_000; at += 1) await store.get(keyOf((at * 7_919) % ENTRIES)); },
    async () => { await Promise.all(keys.map((key) => store.get(key))); },
    async () => { for await (const entry of store.scan("bench:")) void entry; },
    async () => { for await (const entry of store.scan("large:")) void entry; },
    async () => { await store.scanPage("large:", { limit: 100 }); },
    async () => { await store.getMany(keys); },
    async () => { await store.setMany(entries); },
    async () => { await store.set("one", { n: 1 }); },
  ];
  // Once without looking: code that has never run is compiled then.
  for (const one of work) await one();
  let [ours, theirs] = [0, 0];
  for (let round = 0; round < ROUNDS; round += 1) {
    theirs = Math.max(theirs, await longestStop(() => new Promise((resolve) => setTimeout(resolve, 1))));
    ours = Math.max(ours, await longestStop(work[round]));
  }
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
