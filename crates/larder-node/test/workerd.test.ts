// The suite over HTTP at the edge: the files that are published, bundled as Wrangler does it, in Cloudflare's runtime. Its
// requests have one handle together, as those of a service have. What one of them waits for, no other can get.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { after, describe, test } from "node:test";

import { build } from "esbuild";

import { cases } from "./suite/index.js";
import { Proxy } from "./support/proxy.js";
import { directory, Gateway, larder, required } from "./support/program.js";
import { make } from "./support/stores.js";

const root = join(import.meta.dirname, "../..");
const WORKERD = required("LARDER_WORKERD");

/** A worker that runs a case of the suite, or does something else, for each request. */
function workerFor(gateway: string, proxy: string, apiKey: string, id: string): string {
  return `
import { createClient } from "@larder/kv/client";
import { kv } from "@larder/kv/http";
import { cases, run } from ${JSON.stringify(join(root, "build/suite/index.js"))};

const [id, apiKey] = ${JSON.stringify([id, apiKey])};
const open = () => kv(id, { url: ${JSON.stringify(gateway)}, apiKey });
const store = await open();
const slow = await kv(id, { url: ${JSON.stringify(proxy)}, apiKey });
const { database } = createClient({ baseUrl: ${JSON.stringify(gateway)}, apiKey });

const work = {
  case: (at) => run(cases[at], store, open),
  count: async () => String(await store.increment("count")),
  many: async (prefix) => {
    const pairs = Array.from({ length: 1_000 }, (_, at) => [prefix + at, new Uint8Array(1_024)]);
    const answers = await store.setMany(pairs);
    let seen = 0;
    for await (const { value } of store.scan(prefix)) seen += value.byteLength;
    return [answers.filter(({ status }) => status === "fulfilled").length, seen].join(" ");
  },
  slow: async () => void (await slow.get("k")),
  plain: async () => JSON.stringify([
    await database.putData({ key: "edge:1", value: { n: 1 } }), await database.scanData({ prefix: "edge:" }),
  ]),
};

export default {
  async fetch(request) {
    const [name, given] = new URL(request.url).pathname.slice(1).split("/");
    try {
      return new Response((await work[name](given)) ?? "");
    } catch (error) {
      return new Response(String(error?.stack ?? error), { status: 500 });
    }
  },
};
`;
}

const CONFIG = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker", esModule = embed "worker.js")],
      compatibilityDate = "2026-01-01",
    )),
    (name = "internet", network = (allow = ["private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
`;

/** Where the runtime listens, which it tells by a pipe of its own. */
async function listening(runtime: ChildProcess): Promise<string> {
  const [line] = (await Promise.race([
    once(createInterface(runtime.stdio[3] as Readable), "line"),
    once(runtime, "exit").then(([code]) => Promise.reject(new Error(`workerd ended with ${code}`))),
  ])) as [string];
  return `http://127.0.0.1:${(JSON.parse(line) as { port: number }).port}`;
}

describe("over HTTP, in workerd", async () => {
  const { id, cwd, env } = await make("embedded");
  const create = ["keys", "create", "--binding", id, "--allow", "read,write,delete,scan"];
  const [apiKey = ""] = (await larder(create, cwd, env)).split("\n");
  const gateway = await Gateway.start(["--binding", id], cwd, env);
  after(() => gateway.stop());
  const proxy = await Proxy.start(gateway.url);
  after(() => proxy.stop());
  const place = directory();
  await build({
    stdin: { contents: workerFor(gateway.url, proxy.url, apiKey, id), resolveDir: root },
    outfile: join(place, "worker.js"),
    bundle: true,
    format: "esm",
    target: "es2022",
    conditions: ["workerd", "worker", "browser"],
    logLevel: "error",
  });
  writeFileSync(join(place, "config.capnp"), CONFIG);
  const runtime = spawn(WORKERD, ["serve", "--control-fd=3", join(place, "config.capnp")], {
    stdio: ["ignore", "inherit", "inherit", "pipe"],
  });
  after(async () => {
    // Not by its own way, which waits for requests whose answers hang.
    if (runtime.kill("SIGKILL")) await once(runtime, "exit");
  });
  const url = await listening(runtime);

  /** Has the worker do something, in a request of its own. */
  async function ask(path: string, signal: AbortSignal | null = null): Promise<string> {
    const response = await fetch(`${url}/${path}`, { signal });
    const text = await response.text();
    if (response.status !== 200) throw new Error(text);
    return text;
  }

  for (const [at, { name }] of cases.entries()) test(name, async () => void (await ask(`case/${at}`)));

  test("many requests at once are answered by one handle, each for itself", async () => {
    const counts = await Promise.all(Array.from({ length: 100 }, () => ask("count")));
    assert.deepEqual(counts.map(Number).sort((a, b) => a - b), Array.from({ length: 100 }, (_, at) => at + 1));
  });

  test("large batches and scans of several requests come to their end, each in turns of its own", async () => {
    const seen = await Promise.all(["a", "b", "c"].map((name) => ask(`many/${name}:`)));
    assert.deepEqual(seen, Array(3).fill(`1000 ${1_000 * 1_024}`));
  });

  /** What becomes of a request whose client may go. */
  const fate = (asked: Promise<string>) => asked.then(() => "answered", (error: Error) => {
    if (error.name !== "AbortError") throw error;
    return "gone";
  });

  test("a request whose client has gone takes no other one with it", async () => {
    proxy.faults = Array(20).fill("hang");
    const ending = new AbortController();
    const gone = Promise.all(Array.from({ length: 20 }, () => fate(ask("slow", ending.signal))));
    let isOver = false;
    const areThere = async () => {
      while (proxy.faults.length > 0 && !isOver) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    // None of them comes to an end before.
    const first = await Promise.race([gone, areThere()]).finally(() => (isOver = true));
    assert.equal(first, undefined);
    const others = Array.from({ length: 20 }, () => ask("slow"));
    ending.abort();
    assert.deepEqual(await gone, Array(20).fill("gone"));
    await Promise.all(others);
  });

  test("nor does one that goes in the middle of a batch, where it waits for its turn", async () => {
    for (let round = 0; round < 5; round += 1) {
      const ending = new AbortController();
      const some = Array.from({ length: 3 }, (_, at) => fate(ask(`many/gone:${round}:${at}:`, ending.signal)));
      const others = Array.from({ length: 3 }, (_, at) => ask(`many/stay:${round}:${at}:`));
      await new Promise((resolve) => setTimeout(resolve, 10 + 20 * round));
      ending.abort();
      await Promise.all(some);
      for (const seen of await Promise.all(others)) assert.equal(seen, `1000 ${1_000 * 1_024}`);
    }
  });

  test("the client of the plain API", async () => {
    const [put, scanned] = JSON.parse(await ask("plain")) as [{ ok: boolean }, { ok: boolean; val: { items: unknown[] } }];
    assert.equal(put.ok, true);
    assert.deepEqual(scanned.val.items, [{ key: "edge:1", value: { n: 1 } }]);
  });
});
