// The two sides of each case of `larder-bench node`. Each gives milliseconds for so many operations.

import { once } from "node:events";
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { kv } from "@larder/kv";
import { kv as httpKv } from "@larder/kv/http";
import { target } from "../scripts/addon.mjs";

export const ENTRIES = 10_000;
const VALUE = new Uint8Array(1_024).fill(97);
export const keyOf = (at) => `bench:${10_000 + at}`;

const addon = createRequire(import.meta.url)(`../larder-kv.${target()}.node`);
if (!addon.isOptimized()) throw new Error("the addon is a debug build: run `npm run build -- --release`");

const bindingOf = (dir) => ({ service: "local-kv", dataDir: dir });

/** Fills a store. */
export async function fill(dir) {
  const store = await kv("bench", { binding: bindingOf(dir) });
  await fillStore(store);
  await store[Symbol.asyncDispose]();
}

export async function fillStore(store) {
  const entries = Array.from({ length: ENTRIES }, (_, at) => [keyOf(at), VALUE]);
  for (const answer of await store.setMany(entries)) if (answer.status === "rejected") throw answer.reason;
}

/** A get from the embedded store, beside an async call of an addon that does nothing. */
export async function get(dir) {
  const store = await kv("bench", { binding: bindingOf(dir) });
  return {
    operations: 200,
    ours: async (count) => {
      for (let at = 0; at < count; at += 1) await store.get(keyOf((at * 7_919) % ENTRIES));
    },
    theirs: async (count) => {
      for (let at = 0; at < count; at += 1) await addon.empty();
    },
  };
}

/** Gets, 64 of them at once, beside one after the other. */
export async function concurrent(dir) {
  const store = await kv("bench", { binding: bindingOf(dir) });
  return {
    operations: 64 * 16,
    // The two differ by little: many turns, so that they meet the same noise.
    turns: 400,
    ours: async (count) => {
      const task = async (first) => {
        for (let at = first; at < count; at += 64) await store.get(keyOf((at * 7_919) % ENTRIES));
      };
      await Promise.all(Array.from({ length: 64 }, (_, first) => task(first)));
    },
    theirs: async (count) => {
      for (let at = 0; at < count; at += 1) await store.get(keyOf((at * 7_919) % ENTRIES));
    },
  };
}

/** A scan, beside the same scan with a call of the addon for each entry. */
export async function scan(dir) {
  const bare = await addon.open("bench", JSON.stringify(bindingOf(dir)));
  const theirs = async (count) => {
    let cursor;
    for (let at = 0; at < count; at += 1) cursor = (await bare.page("bench:", 1, cursor)).takeCursor();
  };
  return { ...(await scanned(dir)), theirs };
}

/** A scan, beside a call of the addon for each entry, whose keys are known already. */
export async function known(dir) {
  const bare = await addon.open("bench", JSON.stringify(bindingOf(dir)));
  const theirs = async (count) => {
    for (let at = 0; at < count; at += 1) await bare.getMany([keyOf(at)]);
  };
  return { ...(await scanned(dir)), theirs };
}

async function scanned(dir) {
  const store = await kv("bench", { binding: bindingOf(dir) });
  const ours = async (count) => {
    let seen = 0;
    for await (const { value } of store.scan("bench:")) seen += value.byteLength / VALUE.byteLength;
    if (seen !== count) throw new Error(`${seen} entries were seen`);
  };
  return { operations: ENTRIES, turns: 5, ours };
}

/** A get over HTTP, beside the same `fetch` by hand. */
export async function http(dir) {
  const { url } = await serve(dir);
  const store = await httpKv("default", { url });
  return {
    operations: 50,
    ours: async (count) => {
      for (let at = 0; at < count; at += 1) await store.get(keyOf((at * 7_919) % ENTRIES));
    },
    theirs: async (count) => {
      for (let at = 0; at < count; at += 1) {
        const key = encodeURIComponent(keyOf((at * 7_919) % ENTRIES));
        const response = await fetch(`${url}/v1/kv/default/entry?key=${key}`);
        if (!response.ok) throw new Error(`the gateway answered with ${response.status}`);
        await response.arrayBuffer();
      }
    },
  };
}

/** Serves a store; where. */
export async function serve(dir) {
  const args = ["--larder", "serve", "--listen", "127.0.0.1:0", "--log-level", "warn", "--url", `local-kv:${join(dir)}`];
  const server = spawn(process.env.LARDER_BENCH, args, { stdio: ["ignore", "pipe", "inherit"] });
  process.on("exit", () => server.kill());
  const [line] = await once(createInterface(server.stdout), "line");
  return { url: `http://${line.split("://")[1].trim()}` };
}
