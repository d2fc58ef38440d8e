// What holds of stores in this process alone.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { inspect, promisify } from "node:util";
import { Worker } from "node:worker_threads";

import { kv, type LarderError } from "@larder/kv";
import { equal, rejects } from "./suite/check.js";
import { addon, type RawStore } from "./support/addon.js";
import { directory, larder, printedBy } from "./support/program.js";

/** What a call of the addon about many entries gives. */
interface Packed {
  takeFacts(): string | null;
  takeCursor(): string | null;
  takeValue(length: number): Uint8Array;
}

const local = (dataDir: string) => ({ binding: { service: "local-kv", dataDir } });

test("a binding is found in the environment, and what is missing is told", async () => {
  const dataDir = directory();
  const error = await rejects(kv("node-missing"), "NotConfigured");
  for (const place of ["LARDER_NODE_MISSING_BINDING", "ALIEN_NODE_MISSING_BINDING", "LARDER_BINDINGS"]) {
    assert.ok(error.message.includes(place), error.message);
  }
  process.env["LARDER_NODE_FOUND_BINDING"] = JSON.stringify({ service: "local-kv", dataDir });
  await using store = await kv("node-found");
  await store.set("k", "x");
  await using same = await kv("node-found");
  equal(await same.getText("k"), "x");
});

test("an error tells what it is due to, and whether it may go away by itself", async () => {
  const dataDir = directory();
  await using store = await kv("held", local(dataDir));
  await store.set("k", "x");
  const entry = JSON.stringify(new URL("../../dist/index.js", import.meta.url).href);
  /** In a process of its own, and with bindings of its own: kind, whether it may be tried again, message, and cause. */
  const failing = async (options: string, env: object) => {
    const script = `
      import { kv } from ${entry};
      const { kind, retryable, message, cause } = await kv("held", ${options}).catch((error) => error);
      console.log(JSON.stringify([kind, retryable, message, cause instanceof Error ? cause.message : typeof cause]));
    `;
    const run = promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], { env: { ...process.env, ...env } });
    return JSON.parse((await run).stdout) as [kind: string, retryable: boolean, message: string, cause: string];
  };
  // This process has it.
  const held = await failing(JSON.stringify(local(dataDir)), {});
  assert.ok(held[2].includes(dataDir), held[2]);
  equal([held[0], held[1], held[3]], ["Unavailable", true, "undefined"]);
  const unread = await failing("{}", { LARDER_BINDINGS: join(dataDir, "none.toml") });
  equal([unread[0], unread[1]], ["NotConfigured", false]);
  assert.match(unread[3], /no such file/i);
});

test("a binding that cannot be used is refused, without what it holds", async () => {
  for (const binding of [
    "hunter2", "", { service: "local-kv" }, { service: "dynamodb", tableName: "t", secret: "hunter2" },
    "tablestorage://account/table?accountKey=hunter2", { service: "local-kv", dataDir: { env: "NO_SUCH_VARIABLE" } },
  ]) {
    const error = await rejects(kv("cache", { binding }), "NotConfigured");
    assert.ok(!error.message.includes("hunter2"), error.message);
  }
  await rejects(kv("cache", { binding: 7 as unknown as string }), "InvalidInput");
  await rejects(kv("cache", { url: "https://x" } as object), "InvalidInput");
  await rejects(kv("cache", null as unknown as object), "InvalidInput");
});

test("an error tells what it was about, and printing it shows no whole key", async () => {
  await using store = await kv("errors", local(directory()));
  const key = "session:0123456789abcdef";
  await store.set(key, "no number");
  const error: LarderError = await rejects(store.increment(key), "InvalidInput");
  assert.equal(error.key, key);
  assert.deepEqual([error.operation, error.binding, error.retryable, error.name], ["increment", "errors", false, "LarderError"]);
  assert.ok(error.message.startsWith('increment "session:…(24 bytes)" on "errors": invalid input: '), error.message);
  const printed = `${inspect(error, { depth: 9 })} ${JSON.stringify(error)} ${error.stack}`;
  assert.ok(!printed.includes("0123456789") && !printed.includes("no number"), printed);
});

test("a thread that is ended with calls under way leaves the others alone", async () => {
  const dataDir = directory();
  await using store = await kv("threads", local(dataDir));
  const code = `
    const { parentPort, workerData } = require("node:worker_threads");
    import("@larder/kv").then(async ({ kv }) => {
      const store = await kv("threads", { binding: { service: "local-kv", dataDir: workerData } });
      for (let at = 0; at < 300; at += 1) store.set("worker:" + at, "v").catch(() => {});
      parentPort.postMessage("begun");
    });`;
  for (let turn = 0; turn < 3; turn += 1) {
    const worker = new Worker(code, { eval: true, workerData: dataDir });
    equal((await once(worker, "message"))[0], "begun");
    await worker.terminate();
    const stored = await Promise.all(Array.from({ length: 300 }, (_, at) => store.set(`main:${turn}:${at}`, "v")));
    assert.ok(stored.every(Boolean));
  }
});

test("a disposed store can be opened by another process", async () => {
  const dataDir = directory();
  const url = `local-kv:${dataDir}`;
  {
    await using store = await kv("closing", local(dataDir));
    await using again = await kv("closing", local(dataDir));
    await store.set("k", "from Node");
    await again[Symbol.asyncDispose]();
    equal(await store.getText("k"), "from Node");
    // It belongs to one process at a time.
    const busy = await larder(["get", "k", "--url", url], dataDir).catch((error: { code: number }) => error.code);
    assert.equal(busy, 1);
  }
  assert.equal(await larder(["get", "k", "--url", url], dataDir), "from Node");
  // The same by the environment, where handles are shared.
  process.env["LARDER_NODE_CLOSING_BINDING"] = url;
  const [one, two] = await Promise.all([kv("node-closing"), kv("node-closing")]);
  await one[Symbol.asyncDispose]();
  equal(await two.getText("k"), "from Node");
  await two[Symbol.asyncDispose]();
  assert.equal(await larder(["get", "k", "--url", url], dataDir), "from Node");
  await using third = await kv("node-closing");
  equal(await third.getText("k"), "from Node");
});

test("calls that were begun come to their end, also where the handle is disposed of meanwhile", async () => {
  const dataDir = directory();
  const store = await kv("ending", local(dataDir));
  // More than the turn has time for: most have to wait for theirs.
  const CALLS = 900;
  const writes = Array.from({ length: CALLS }, (_, at) => store.set(`k:${at}`, "x"));
  const reads = Array.from({ length: CALLS }, (_, at) => store.get(`none:${at}`));
  await store[Symbol.asyncDispose]();
  assert.deepEqual(new Set(await Promise.all(writes)), new Set([true]));
  assert.deepEqual(new Set(await Promise.all(reads)), new Set([undefined]));
  await using again = await kv("ending", local(dataDir));
  assert.equal((await again.scanKeysPage("k:", { limit: 1_000 })).items.length, CALLS);
});

test("a key is first read on another thread, since that may take a disk, and then on this one", async () => {
  const binding = local(directory());
  const keys = Array.from({ length: 20 }, (_, at) => `k:${at}`);
  {
    await using store = await kv("cold", binding);
    for (const key of keys) await store.set(key, "x");
  }
  const store = await addon().open("cold", JSON.stringify(binding.binding));
  for (const key of keys) {
    const found = store["get"]!(key);
    assert.ok(found instanceof Promise, `${key} was read on this thread`);
    await found;
  }
  for (const read of ["get", "entry", "exists"]) {
    for (const key of keys) {
      let reads = 0;
      // Some more go elsewhere where the machine was slow meanwhile.
      for (let found = store[read]!(key); found instanceof Promise; found = store[read]!(key)) {
        await found;
        reads += 1;
        assert.ok(reads < 1_000, `${read} ${key} goes to another thread for ever`);
      }
    }
  }
  assert.ok(store["get"]!("absent") instanceof Promise);
  await store["close"]!();
});

test("a key goes to another thread again when as much as is taken to be in memory went through the store", async () => {
  const binding = JSON.stringify(local(directory()).binding);
  const store = await addon().open("one", binding);
  // What any handle of the process does to the store counts.
  const other = await addon().open("other", binding);
  const LARGE = 24_576;
  const small = Array.from({ length: 1_400 }, (_, at) => `small:${10_000 + at}`);
  const large = Array.from({ length: 20 }, (_, at) => `large:${at}`);
  const unread = Array.from({ length: 1_400 }, (_, at) => `unread:${at}`);
  const absent = Array.from({ length: 1_000 }, (_, at) => `absent:${at}`);
  // More than the reads that go elsewhere after a slow one, which are not for what was pushed out.
  const asked = Array.from({ length: 20 }, (_, at) => `asked:${at}`);
  const values = new Uint8Array(large.length * LARGE);
  const lengths = large.map(() => LARGE);
  const putLarge = () => other["putMany"]!(large, values, lengths);
  for (const key of asked) await store["put"]!(key, new Uint8Array(1));
  await other["putMany"]!(small, new Uint8Array(small.length), small.map(() => 1));
  await putLarge();
  for (let from = 0; from < unread.length; from += large.length) {
    await other["putMany"]!(unread.slice(from, from + large.length), values, lengths);
  }
  // Each for 32 MiB, or for what may be as much.
  const times = (count: number, work: () => unknown) => async () => {
    for (let at = 0; at < count; at += 1) await work();
  };
  const behind = (work: () => unknown) => async () => {
    await times(61, putLarge)();
    await times(14, work)();
  };
  const works: Record<string, () => Promise<unknown>> = {
    getMany: times(70, () => other["getMany"]!(large)),
    page: times(70, () => other["page"]!("large:", 20)),
    keysPage: times(70, () => other["keysPage"]!("large:", 20)),
    putMany: times(70, putLarge),
    put: times(70, () => Promise.all(large.map((key) => other["put"]!(key, values.subarray(0, LARGE))))),
    touch: () => Promise.all(small.map((key) => other["touch"]!(key))),
    exists: async () => {
      for (const key of small) await other["exists"]!(key);
    },
    // Each counts when it is read for the first time.
    entry: async () => {
      for (const key of unread) await other["entry"]!(key);
    },
    // What has no value, or a short one, counts little: these have the last tenth only.
    delete: behind(() => Promise.all(absent.map((key) => other["delete"]!(key)))),
    deleteMany: behind(() => other["deleteMany"]!(absent)),
    increment: behind(() => Promise.all(absent.map((key) => other["increment"]!(key, "1")))),
  };
  for (const [name, work] of Object.entries(works)) {
    for (const key of asked) {
      let reads = 0;
      for (let found = store["get"]!(key); found instanceof Promise; found = store["get"]!(key)) {
        await found;
        reads += 1;
        assert.ok(reads < 1_000, `before ${name}, it goes to another thread for ever`);
      }
    }
    await work();
    const found = asked.map((key) => store["get"]!(key));
    assert.ok(found.every((one) => one instanceof Promise), `${name} pushes nothing out`);
    await Promise.all(found);
  }
  await other["close"]!();
  await store["close"]!();
});

for (const signal of [undefined, new AbortController().signal]) {
  test(`a loop that awaits what is at hand lets timers have their turn, ${signal ? "with" : "without"} a signal`, async () => {
    await using store = await kv("turns", local(directory()));
    await store.set("k", new TextEncoder().encode("[1]"));
    for (const read of ["get", "getText", "getJson"] as const) {
      let ticks = 0;
      const timer = setInterval(() => (ticks += 1), 1);
      const began = performance.now();
      while (performance.now() - began < 300) await store[read]("k", { signal });
      clearInterval(timer);
      // At once it would be none at all; every millisecond it would be 300.
      assert.ok(ticks > 30, `timers had ${ticks} turns in 300 ms of ${read}`);
    }
  });
}

/** Counts what happens in the turns of the event loop: in all of them, and in one at most. */
function perTurn() {
  let [here, most, all, isOver] = [0, 0, 0, false];
  const next = () => {
    here = 0;
    if (!isOver) setImmediate(next);
  };
  return {
    begin: () => void setImmediate(next),
    count: () => {
      here += 1;
      all += 1;
      most = Math.max(most, here);
    },
    end: () => {
      isOver = true;
      return { all, most };
    },
  };
}

for (const put of ["put", "increment"]) {
  /** Half of the increments fail: what they add to is a value of eight zeros, and no number. */
  const call = async (store: RawStore, at: number) => {
    const key = put === "put" || at % 2 === 0 ? `k:${at}` : `n:${at}`;
    await store[put]!(key, put === "put" ? new Uint8Array(8) : "1");
  };

  test(`of answers that have come together, a turn gets only some: ${put}`, async () => {
    const store = await addon().open("together", JSON.stringify(local(directory()).binding));
    for (let at = 0; at < 1_000; at += 1) await store["put"]!(`k:${at * 2}`, new Uint8Array(8));
    const turns = perTurn();
    const calls = Array.from({ length: 2_000 }, (_, at) => call(store, at).then(turns.count, turns.count));
    // Meanwhile all of them are done.
    const began = performance.now();
    while (performance.now() - began < 2_000);
    turns.begin();
    await Promise.all(calls);
    const { all, most } = turns.end();
    assert.equal(all, 2_000);
    assert.ok(most <= 32, `${most} were answered in a turn`);
    await store["close"]!();
  });

  test(`of answers that come while others are given, too: ${put}`, async () => {
    const store = await addon().open("while", JSON.stringify(local(directory()).binding));
    const turns = perTurn();
    turns.begin();
    const slowly = () => {
      turns.count();
      // As long as another thread needs for another answer.
      const end = performance.now() + 0.05;
      while (performance.now() < end);
    };
    // Never more at once than a turn may have: those who are answered call again.
    const chain = async (at: number) => {
      for (let round = 0; round < 80; round += 1) await call(store, at * 80 + round).then(slowly, slowly);
    };
    await Promise.all(Array.from({ length: 30 }, (_, at) => chain(at)));
    const { all, most } = turns.end();
    assert.equal(all, 2_400);
    assert.ok(most <= 32, `${most} were answered in a turn`);
    await store["close"]!();
  });
}

test("calls that are under way keep the process, each time anew, and nothing does behind them", async () => {
  const entry = join(process.cwd(), "dist/index.cjs");
  const stdout = await printedBy("cjs", `
    const { kv } = require(${JSON.stringify(entry)});
    kv("alive", ${JSON.stringify(local(directory()))}).then((store) => {
      const again = (left) => {
        if (left === 0) return console.log("done");
        Promise.all([store.set("a", "x"), store.set("b", "y"), store.scanPage("")]).then(() => setImmediate(again, left - 1));
      };
      again(3);
    });
  `);
  assert.equal(stdout, "done\n");
});

test("workers are answered, several at once, and others behind them", async () => {
  const entry = new URL("../../dist/index.js", import.meta.url);
  const code = `
    const { parentPort, workerData } = require("node:worker_threads");
    import(${JSON.stringify(entry.href)}).then(async ({ kv }) => {
      const store = await kv("worker", { binding: { service: "local-kv", dataDir: workerData } });
      await Promise.all(Array.from({ length: 300 }, (_, at) => store.set("k:" + at, String(at))));
      const { items } = await store.scanPage("k:", { limit: 1000 });
      await store[Symbol.asyncDispose]();
      parentPort.postMessage(items.length);
    });
  `;
  // The process itself has no addon: its threads end with the last worker, and begin again with the next one.
  const stdout = await printedBy("mjs", `
    import { once } from "node:events";
    import { Worker } from "node:worker_threads";
    const run = async (dataDir) => {
      const worker = new Worker(${JSON.stringify(code)}, { eval: true, workerData: dataDir });
      const [[found]] = await Promise.all([once(worker, "message"), once(worker, "exit")]);
      return found;
    };
    const [one, two] = ${JSON.stringify([directory(), directory()])};
    console.log(String(await Promise.all([run(one), run(two)])), await run(one));
  `, 60_000);
  assert.equal(stdout, "300,300 300\n");
});

test("values come out of many entries one by one, and no more than there are", async () => {
  const store = await addon().open("packed", JSON.stringify(local(directory()).binding));
  const values = [new Uint8Array(40_000).subarray(0, 20_000).fill(1), new Uint8Array(0), new Uint8Array(24_576).fill(2), new Uint8Array(24_576).fill(3)];
  for (const [at, value] of values.entries()) await store["put"]!(`k:${at}`, value);
  const packed = (await store["page"]!("k:")) as Packed;
  const items = JSON.parse(packed.takeFacts()!) as [string, string, null, number][];
  equal([packed.takeFacts(), packed.takeCursor()], [null, null]);
  assert.throws(() => packed.takeValue(100_000), /a value is longer than all are/);
  for (const [at, [key, , , length]] of items.entries()) equal([key, packed.takeValue(length)], [`k:${at}`, values[at]!]);
  assert.throws(() => packed.takeValue(1), /a value is longer than all are/);
  await store["close"]!();
});

test("facts come out of a page some at a time, and its cursor once", async () => {
  const store = await addon().open("facts", JSON.stringify(local(directory()).binding));
  const keys = Array.from({ length: 300 }, (_, at) => `k:${1_000 + at}`);
  await store["putMany"]!(keys, new Uint8Array(0), keys.map(() => 0));
  const packed = (await store["keysPage"]!("k:", 299)) as Packed;
  const found: string[] = [];
  let most = 0;
  for (let text = packed.takeFacts(); text !== null; text = packed.takeFacts()) {
    const facts = JSON.parse(text) as [key: string][];
    most = Math.max(most, facts.length);
    found.push(...facts.map(([key]) => key));
  }
  equal(found, keys.slice(0, 299));
  assert.equal(most, 128);
  const cursor = packed.takeCursor();
  assert.equal(packed.takeCursor(), null);
  const last = (await store["keysPage"]!("k:", 299, cursor)) as Packed;
  equal([JSON.parse(last.takeFacts()!).length, last.takeFacts(), last.takeCursor()], [1, null, null]);
  await store["close"]!();
});

test("handles that nobody disposed of do not keep the process", async () => {
  const entry = new URL("../../dist/index.js", import.meta.url);
  const stdout = await printedBy("mjs", `
    import { kv } from ${JSON.stringify(entry.href)};
    const store = await kv("open", { binding: { service: "local-kv", dataDir: ${JSON.stringify(directory())} } });
    await store.set("k", "x");
    console.log(await store.getText("k"));
  `);
  assert.equal(stdout, "x\n");
});
