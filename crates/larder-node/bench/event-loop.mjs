// How long the event loop is stopped at most: by work on the store, and by nothing at all, which is what the machine adds.

import { mkdtempSync, rmSync } from "node:fs";

import { kv } from "@larder/kv";
import { createClient } from "@larder/kv/client";
import { kv as httpKv } from "@larder/kv/http";
import { ENTRIES, fillStore, keyOf, serve } from "./cases.mjs";
import { longestStop, stopsOfMachine } from "./stops.mjs";

const ROUNDS = 21;
const LIMIT_MS = 5;
const KEYS = 1_000;
const LARGE = 24_576;

/** A caller that is considerate begins so many calls in one turn. */
const LOT = 100;

/** What is done; where it is many calls at once, `lot` of them are begun in each turn. */
async function workOn(store, lot = Number.POSITIVE_INFINITY) {
  const keys = Array.from({ length: KEYS }, (_, at) => keyOf(at));
  const all = Array.from({ length: ENTRIES }, (_, at) => keyOf(at));
  const small = keys.map((key) => [key, new Uint8Array(1_024)]);
  const large = Array.from({ length: 200 }, (_, at) => [`large:${at}`, new Uint8Array(LARGE)]);
  // Not a long text, of which the end is found sooner.
  const list = { list: Array.from({ length: 4_000 }, (_, at) => at) };
  const texts = Array.from({ length: 200 }, (_, at) => `json:${at}`);
  const json = { text: "x".repeat(LARGE - 100) };
  await store.setMany(texts.map((key) => [key, list]));
  return {
    "gets, one after the other": async () => {
      for (let at = 0; at < KEYS; at += 1) await store.get(keyOf((at * 7_919) % ENTRIES));
    },
    "gets at once": async () => { await atOnce(keys, lot, (key) => store.get(key)); },
    "entries at once": async () => { await atOnce(keys, lot, (key) => store.entry(key)); },
    "large gets at once": async () => { await atOnce(large, lot, ([key]) => store.get(key)); },
    "puts, one after the other": async () => { for (let at = 0; at < 10; at += 1) await store.set(keyOf(at), { n: at }); },
    "puts at once": async () => { await atOnce(small, lot, ([key, value]) => store.set(key, value)); },
    "large puts at once": async () => { await atOnce(large, lot, ([key, value]) => store.set(key, value)); },
    "large JSON": async () => { await store.set("json", json); await store.getJson("json"); },
    "large JSON at once": async () => { await atOnce(texts, lot, (key) => store.getJson(key)); },
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

/** Calls that are under way at once; all of them are begun in one turn, unless the lots are smaller. */
async function atOnce(given, lot, call) {
  const calls = [];
  for (const one of given) {
    calls.push(call(one));
    if (calls.length % lot === 0) await nextTurn();
  }
  await Promise.all(calls);
}

function nextTurn() {
  return new Promise((resolve) => setImmediate(resolve));
}

/** What is done over HTTP, too. Many calls at once are left out: `fetch` itself takes its time for each. */
const OVER_HTTP = [
  "large JSON", "getMany of 10,000", "getMany, large", "setMany of 1,000", "setMany, large", "scan of 10,000", "scan, large",
  "a page, large", "a page of 1,000",
];

/** What is done with the client of the plain API: pages of JSON, as large as a gateway gives them. */
async function workOfClient(url) {
  const { database } = createClient({ baseUrl: url });
  // Not a long text, of which the end is found sooner.
  const value = { list: Array.from({ length: 4_000 }, (_, at) => at) };
  for (let at = 0; at < 200; at += 1) settled(await database.putData({ key: `json:${at}`, value }));
  for (let at = 0; at < 1_000; at += 1) settled(await database.putData({ key: `small:${at}`, value: { at, name: "x".repeat(100) } }));
  return {
    "a page of scanData, large": async () => { settled(await database.scanData({ prefix: "json:", limit: 1_000 })); },
    "a page of scanData of 1,000": async () => { settled(await database.scanData({ prefix: "small:", limit: 1_000 })); },
  };
}

function settled({ ok, val }) {
  if (!ok) throw new Error(val.message);
}

/** Every kind of work: in this process, all of that at once, and over HTTP. */
async function allWork(dir) {
  const store = await kv("bench", { binding: { service: "local-kv", dataDir: dir } });
  const work = await workOn(store);
  // A thousand calls in one turn are a stop that the caller makes: it is measured by itself, and not on top of everything.
  const together = Object.values(await workOn(store, LOT));
  work["everything at once"] = async () => await atOnce(together, 1, (one) => one());
  const { url } = await serve(served(dir));
  const far = await httpKv("default", { url });
  await fillStore(far);
  const farWork = await workOn(far);
  for (const name of OVER_HTTP) work[`${name}, over HTTP`] = farWork[name];
  Object.assign(work, await workOfClient(url));
  for (const one of [work, farWork]) await one["setMany, large"]();
  for (const one of Object.values(work)) await one();
  return work;
}

/**
 * How long the loop is stopped in milliseconds, of both sides: the longest stop of the middle one of some rounds, of the kind
 * of work that has the worst one. All kinds take turns, so that each has its rounds all over the time that this takes: a
 * machine that is shared has bad seconds, and would add them to one kind's rounds.
 *
 * The longest of all rounds is mostly the machine's own, as that of an idle process shows: how many are over the limit is
 * printed. What is not counted of a stop, see {@link longestStop}, is printed, too: what the engine's collector had in
 * a middle round stands beside each, also where arrays are made and nothing else, half a millisecond in a turn.
 */
export async function longestStops(dir) {
  const work = await allWork(dir);
  const idle = [];
  const making = [];
  const rounds = Object.fromEntries(Object.keys(work).map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    idle.push(await longestStop(() => new Promise((resolve) => setTimeout(resolve, 1))));
    making.push(await longestStop(makeArrays));
    for (const [name, one] of Object.entries(work)) rounds[name].push(await longestStop(one));
  }
  const all = Object.values(rounds).flat();
  const names = Object.keys(rounds).sort((a, b) => middle(rounds[b]) - middle(rounds[a]));
  for (const name of process.env.LARDER_BENCH_STOPS ? names : names.slice(0, 3)) console.error(`    ${described(rounds[name])}: ${name}`);
  console.error(`    ${described(making)}: only making arrays; ${described(idle)}: idle`);
  console.error(`    over ${LIMIT_MS} ms in ${over(all)} of ${all.length} rounds, making arrays in ${over(making)} of ${ROUNDS}`);
  const most = (part) => Math.max(...all.map((stop) => stop[part])).toFixed(1);
  const [collected, waited, stolen] = [most("collected"), most("waited"), most("stolen")];
  console.error(`    not counted: up to ${collected} ms of the collector, ${waited} ms without a core, ${stolen} ms of the host`);
  const machine = await stopsOfMachine(10 * ROUNDS);
  console.error(`    with nothing to do and all cores busy, over ${LIMIT_MS} ms in ${over(machine)} of ${machine.length} rounds`);
  return { ours: middle(rounds[names[0]]), theirs: middle(idle) };
}

/** As many arrays as a thousand reads give, some in a turn, and nothing else. */
async function makeArrays() {
  const made = [];
  while (made.length < KEYS) {
    const end = performance.now() + 0.5;
    while (made.length < KEYS && performance.now() < end) made.push(new Uint8Array(1_024));
    await nextTurn();
  }
}

function sorted(stops) {
  return stops.map(({ own }) => own).sort((a, b) => a - b);
}

function middle(stops) {
  return sorted(stops)[stops.length >> 1];
}

function over(stops) {
  return stops.filter(({ own }) => own > LIMIT_MS).length;
}

/** The middle round, the longest one but a tenth of them, and what the collector had in a middle one. */
function described(stops) {
  const most = sorted(stops)[Math.floor(stops.length * 0.9)];
  const collected = stops.map((stop) => stop.collected).sort((a, b) => a - b)[stops.length >> 1];
  return `${middle(stops).toFixed(1)} ms (nine of ten: ${most.toFixed(1)}; collector: ${collected.toFixed(1)})`;
}

/** Where a gateway has its own store, until the process ends. */
function served(dir) {
  const own = mkdtempSync(`${dir}-served-`);
  process.on("exit", () => rmSync(own, { recursive: true, force: true }));
  return own;
}
