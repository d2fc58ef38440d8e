// What becomes of calls over HTTP when replies are lost: each through a proxy before a real gateway, by whose store it is
// judged what was really done.

import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { after, describe, test } from "node:test";

import { type Kv, kv, LarderError } from "@larder/kv/http";
import { equal, rejects } from "./suite/check.js";
import { type Fault, problem, Proxy } from "./support/proxy.js";
import { Gateway, printedBy } from "./support/program.js";
import { make } from "./support/stores.js";

const LOST: Fault[] = ["lose-reply", "cut-reply"];

/** The body of a batch's answer for two keys, of which the second went well. */
function itemsOf(first: object): string {
  return JSON.stringify({ items: [{ key: "k", ...first }, { key: "other", version: "AAAA" }], failed: 1 });
}

describe("over HTTP, with faults", async () => {
  const { id, cwd, env } = await make("embedded");
  const gateway = await Gateway.start(["--binding", id], cwd, env);
  const proxy = await Proxy.start(gateway.url);
  after(async () => {
    proxy.stop();
    await gateway.stop();
  });
  const direct = await kv(id, { url: gateway.url });
  const faulty = await kv(id, { url: proxy.url, timeoutMs: 4_000, attemptTimeoutMs: 1_500 });
  let keys = 0;

  /** Does something under faults, on a key of its own; returns it and how many requests there were. */
  async function under<T>(faults: Fault[], work: (store: Kv, key: string) => Promise<T>) {
    const key = `key:${keys++}`;
    const before = proxy.seen.length;
    proxy.faults = [...faults];
    const outcome = await work(faulty, key).then((value) => ({ value }), (error: unknown) => ({ error }));
    assert.deepEqual(proxy.faults, [], "every fault came to pass");
    return { key, requests: proxy.seen.length - before, ...outcome };
  }

  function isKind(outcome: object, kind: string): LarderError {
    const error = "error" in outcome ? outcome.error : undefined;
    assert.ok(error instanceof LarderError, `it should have failed: ${JSON.stringify(outcome)}`);
    assert.equal(error.kind, kind, error.message);
    return error;
  }

  test("reads are sent again after a lost reply", async () => {
    for (const fault of [...LOST, "lose-request"] as Fault[]) {
      for (const read of [
        async (store: Kv, key: string) => void equal(await store.get(key), undefined),
        async (store: Kv, key: string) => void equal(await store.entry(key), undefined),
        async (store: Kv, key: string) => void equal(await store.exists(key), false),
        async (store: Kv, key: string) => void equal((await store.scanPage(key)).items, []),
        async (store: Kv, key: string) => void equal((await store.getMany([key])).length, 1),
      ]) {
        const { requests, ...outcome } = await under([fault], read);
        assert.deepEqual([requests, "value" in outcome], [2, true], JSON.stringify(outcome));
      }
    }
  });

  test("puts and deletes without a condition are sent again after a lost reply", async () => {
    for (const fault of [...LOST, "lose-request"] as Fault[]) {
      const put = await under([fault, fault], (store, key) => store.set(key, "x", { ttlMs: 60_000 }));
      assert.deepEqual([put.requests, "value" in put && put.value], [3, true]);
      assert.equal(await direct.getText(put.key), "x");
      const many = await under([fault], (store, key) => store.setMany([[key, "y"]]));
      assert.equal("value" in many && many.value[0]?.status, "fulfilled");
      const gone = await under([fault], async (store) => await store.delete(put.key));
      assert.deepEqual([gone.requests, "value" in gone && gone.value], [2, true]);
      assert.equal(await direct.exists(put.key), false);
    }
  });

  test("a write that is sent again gives no longer a lifetime than the first did", async () => {
    const later = { status: 503, headers: { "retry-after": "1" }, body: problem("UNAVAILABLE", 503) };
    const calls: ((store: Kv, key: string, ttlMs: number) => Promise<unknown>)[] = [
      (store, key, ttlMs) => store.set(key, "x", { ttlMs }), (store, key, ttlMs) => store.touch(key, ttlMs),
      async (store, key, ttlMs) => {
        const [answer] = await store.setMany([[key, "x"]], { ttlMs });
        if (answer?.status === "rejected") throw answer.reason;
      },
    ];
    for (const call of calls) {
      const longer = await under(["lose-reply", later], async (store, key) => {
        await direct.set(key, "x");
        await call(store, key, 60_000);
        return (await direct.entry(key))?.ttlMs ?? Infinity;
      });
      assert.ok("value" in longer && longer.value <= 59_000, `it lives for ${JSON.stringify(longer)}`);
      // None is left after a second: the first may have been applied, and another would let it live longer.
      const short = await under(["lose-reply", later], async (store, key) => {
        await direct.set(key, "x");
        await call(store, key, 600);
      });
      isKind(short, "Ambiguous");
      assert.equal(short.requests, 2);
      // Refused, and nothing more: it was not applied.
      const refused = await under([later], async (store, key) => {
        await direct.set(key, "x");
        await call(store, key, 600);
      });
      isKind(refused, "Unavailable");
    }
  });

  test("an increment whose reply was lost is Ambiguous, and is not sent again", async () => {
    for (const [fault, count] of [["lose-reply", "1"], ["cut-reply", "1"], ["hang", "1"], ["lose-request", undefined]] as const) {
      const { key, requests, ...outcome } = await under([fault], (store, key) => store.increment(key));
      const error = isKind(outcome, "Ambiguous");
      assert.equal(error.retryable, false);
      assert.equal(error.key, key);
      assert.equal(requests, 1);
      assert.equal(await direct.getText(key), count);
    }
  });

  test("a write with a condition whose reply was lost is Ambiguous, and is not sent again", async () => {
    for (const fault of LOST) {
      const created = await under([fault], (store, key) => store.set(key, "mine", { ifNotExists: true }));
      isKind(created, "Ambiguous");
      assert.equal(created.requests, 1);
      // Sent again it would have been told that somebody else was first.
      assert.equal(await direct.getText(created.key), "mine");

      const { version: ifVersion } = (await direct.entry(created.key)) ?? {};
      const replaced = await under([fault], (store) => store.set(created.key, "new", { ifVersion }));
      isKind(replaced, "Ambiguous");
      assert.equal(replaced.requests, 1);
      const now = await direct.entry(created.key);
      const touched = await under([fault], (store) => store.touch(created.key, 60_000, { ifVersion: now?.version }));
      isKind(touched, "Ambiguous");
      const last = await direct.entry(created.key);
      const deleted = await under([fault], (store) => store.delete(created.key, { ifVersion: last?.version }));
      isKind(deleted, "Ambiguous");
      assert.equal(await direct.exists(created.key), false);
    }
  });

  test("what the gateway says was not applied is sent again, whatever it is", async () => {
    const busy = { status: 503, headers: { "retry-after": "0" }, body: problem("UNAVAILABLE", 503) };
    const limited = { status: 429, body: problem("RATE_LIMITED", 429) };
    const { key, requests, ...outcome } = await under([busy, limited], (store, key) => store.increment(key));
    assert.equal("value" in outcome && outcome.value, 1n);
    assert.equal(requests, 3);
    assert.equal(await direct.getText(key), "1");
  });

  test("Retry-After is obeyed, and not past the time that there is", async () => {
    const later = { status: 503, headers: { "retry-after": "1" }, body: problem("UNAVAILABLE", 503) };
    const began = performance.now();
    const waited = await under([later], (store, key) => store.get(key));
    assert.ok("value" in waited && performance.now() - began >= 1_000);
    const tooLate = { ...later, headers: { "retry-after": "3600" } };
    const refused = await under([tooLate], (store, key) => store.get(key));
    assert.equal(isKind(refused, "Unavailable").retryable, true);
    assert.equal(refused.requests, 1);
  });

  test("what is refused is not sent again", async () => {
    for (const [code, status, kind] of [
      ["UNAUTHORIZED", 401, "Unauthorized"], ["FORBIDDEN", 403, "Unauthorized"], ["CORRUPT", 500, "Corrupt"],
      ["BINDING_NOT_FOUND", 404, "NotConfigured"], ["ROUTE_NOT_FOUND", 404, "NotConfigured"],
      ["STORE_UNUSABLE", 502, "NotProvisioned"], ["UNSUPPORTED", 501, "Unsupported"], ["INTERNAL", 500, "Internal"],
    ] as const) {
      const { requests, ...outcome } = await under([{ status, body: problem(code, status) }], (store, key) => store.get(key));
      assert.ok(isKind(outcome, kind).message.includes("why"));
      assert.equal(requests, 1, code);
    }
  });

  test("an error of which a write may have been applied is Ambiguous", async () => {
    for (const [code, status] of [["AMBIGUOUS", 500], ["INTERNAL", 500], ["NEW_CODE", 500], ["constructor", 500], ["__proto__", 500]] as const) {
      const answer = { status, body: problem(code, status) };
      isKind(await under([answer], (store, key) => store.set(key, "x")), "Ambiguous");
      isKind(await under([answer], (store, key) => store.increment(key)), "Ambiguous");
    }
    // Lost once, and then refused: the first may have been applied all the same.
    const refused = { status: 401, body: problem("UNAUTHORIZED", 401) };
    isKind(await under(["lose-reply", refused], (store, key) => store.set(key, "x")), "Ambiguous");
  });

  test("a batch's item that failed after a lost reply, or in a way that does not tell, is Ambiguous", async () => {
    const codes = [
      ["UNAVAILABLE", 503], ["STORE_THROTTLED", 503], ["TIMEOUT", 504], ["NEW_CODE", 500], ["INTERNAL", 500],
      ["AMBIGUOUS", 500],
    ] as const;
    const calls: ((store: Kv, key: string) => Promise<PromiseSettledResult<unknown>[]>)[] = [
      (store, key) => store.setMany([[key, "x"], ["other", "x"]]), (store, key) => store.deleteMany([key, "other"]),
    ];
    const reasons = ({ ...outcome }: object) => {
      const answers = (outcome as { value?: PromiseSettledResult<unknown>[] }).value;
      return answers?.map((answer) => (answer.status === "rejected" ? (answer.reason as LarderError).kind : "done"));
    };
    for (const call of calls) {
      for (const [code, status] of codes) {
        const answer = { status: 200, body: itemsOf({ error: JSON.parse(problem(code, status)) }) };
        const again = await under(["lose-reply", answer], call);
        assert.deepEqual([again.requests, reasons(again)], [2, ["Ambiguous", "done"]], code);
        const once = reasons(await under([answer], call));
        const isKnown = ["UNAVAILABLE", "STORE_THROTTLED", "TIMEOUT"].includes(code);
        assert.deepEqual([once?.[0] === "Ambiguous", once?.[1]], [!isKnown, "done"], code);
      }
      const odd = { status: 200, body: itemsOf({ error: "no error of a gateway" }) };
      assert.deepEqual(reasons(await under([odd], call)), ["Ambiguous", "done"]);
    }
    // A read changes nothing: its error stays what it is.
    const answer = { status: 200, body: itemsOf({ error: JSON.parse(problem("UNAVAILABLE", 503)) }) };
    const read = await under(["lose-reply", answer], (store, key) => store.getMany([key, "other"]));
    assert.deepEqual(reasons(read)?.[0], "Unavailable");
  });

  test("an answer that is none of a gateway's is no miss and no success", async () => {
    const page = (status: number) => ({ status, headers: { "content-type": "text/html" }, body: "<html>hunter2</html>" });
    const cases: [number, string][] = [[404, "NotProvisioned"], [403, "Unauthorized"], [302, "NotConfigured"], [418, "Internal"]];
    for (const [status, kind] of cases) {
      const error = isKind(await under([page(status)], (store, key) => store.get(key)), kind);
      assert.ok(!error.message.includes("hunter2"));
      isKind(await under([page(status)], (store, key) => store.delete(key)), "Ambiguous");
    }
    isKind(await under([page(200)], (store, key) => store.entry(key)), "Unavailable");
    isKind(await under([page(200)], (store, key) => store.exists(key)), "Unavailable");
    isKind(await under([page(200)], (store, key) => store.scanPage(key)), "Unavailable");
    isKind(await under([page(200)], (store, key) => store.set(key, "x")), "Ambiguous");
    isKind(await under([page(200)], (store, key) => store.increment(key)), "Ambiguous");
    isKind(await under([page(200)], (store, key) => store.delete(key)), "Ambiguous");
  });

  test("a gateway that hangs is given up after its time", async () => {
    const hasty = await kv(id, { url: proxy.url, timeoutMs: 300 });
    const error = isKind(await under(["hang"], (_, key) => hasty.get(key)), "Timeout");
    assert.equal(error.retryable, true);
  });

  test("a signal ends a call that hangs, with its reason", async () => {
    const ending = new AbortController();
    const reason = new Error("enough");
    const outcome = under(["hang"], (store, key) => store.increment(key, 1, { signal: ending.signal }));
    setTimeout(() => ending.abort(reason), 50);
    assert.equal((await outcome as { error?: unknown }).error, reason);
    const waiting = new AbortController();
    const later = { status: 503, headers: { "retry-after": "2" }, body: problem("UNAVAILABLE", 503) };
    const paused = under([later], (store, key) => store.get(key, { signal: waiting.signal }));
    setTimeout(() => waiting.abort(reason), 50);
    assert.equal((await paused as { error?: unknown }).error, reason);
  });

  test("nobody there is Unavailable, also for a write: nothing was sent", async () => {
    const gone = await Proxy.start(gateway.url);
    gone.stop();
    const store = await kv(id, { url: gone.url, timeoutMs: 500 });
    const calls = [
      () => store.get("k"), () => store.increment("k"), () => store.set("k", "x", { ifNotExists: true }),
    ];
    for (const call of calls) {
      const error = await rejects(call(), "Unavailable");
      assert.ok(error.message.includes("ECONNREFUSED"), error.message);
      assert.ok(error.cause instanceof Error);
    }
  });

  test("nothing was sent only where the connection was never made, whatever the error's code is", async () => {
    // As Node's fetch fails. A host that goes away while a request is under way cannot be had from a test.
    const failing = async (cause: object) => {
      const own: typeof fetch = async () => {
        throw new TypeError("fetch failed", { cause });
      };
      return await kv(id, { url: gateway.url, fetch: own, timeoutMs: 150 });
    };
    const error = (code: string, syscall?: string) => Object.assign(new Error(code), { code, syscall });
    const several = (...errors: Error[]) => Object.assign(new AggregateError(errors), { code: "ECONNREFUSED" });
    for (const [cause, kind] of [
      [error("EHOSTUNREACH", "connect"), "Unavailable"], [error("ETIMEDOUT", "connect"), "Unavailable"],
      [error("ENOTFOUND", "getaddrinfo"), "Unavailable"], [error("UND_ERR_CONNECT_TIMEOUT"), "Unavailable"],
      [several(error("ECONNREFUSED", "connect"), error("ENETUNREACH", "connect")), "Unavailable"],
      [error("EHOSTUNREACH", "read"), "Ambiguous"], [error("ENETUNREACH", "write"), "Ambiguous"],
      [error("ECONNREFUSED"), "Ambiguous"], [error("ECONNRESET", "read"), "Ambiguous"],
      [several(error("ECONNREFUSED", "connect"), error("EHOSTUNREACH", "read")), "Ambiguous"],
      [several(), "Ambiguous"], [Object.assign(several(), { errors: [undefined] }), "Ambiguous"],
    ] as const) {
      const { code, syscall } = cause as { code?: string; syscall?: string };
      await rejects((await failing(cause)).increment("unsent"), kind).catch((wrong: Error) => {
        throw new Error(`${code} of ${syscall}: ${wrong.message}`);
      });
    }
    // The real thing, where a name has several addresses.
    const gone = await Proxy.start(gateway.url);
    gone.stop();
    const store = await kv(id, { url: gone.url.replace("127.0.0.1", "localhost"), timeoutMs: 150 });
    await rejects(store.increment("unsent"), "Unavailable");
    assert.equal(await direct.getText("unsent"), undefined);
  });

  test("a batch answers for each of its parts by itself", async () => {
    const many = Array.from({ length: 300 }, (_, at) => [`many:${at}`, "x"] as const);
    const refused = { status: 403, body: problem("FORBIDDEN", 403) };
    const outcome = await under([refused], (store) => store.setMany(many));
    const answers = "value" in outcome ? outcome.value : [];
    const stored = answers.filter(({ status }) => status === "fulfilled").length;
    assert.ok(stored === 44 || stored === 256, `${stored} are stored`);
    assert.equal((await direct.getMany(many.map(([key]) => key))).filter((answer) =>
      answer.status === "fulfilled" && answer.value !== undefined).length, stored);
  });

  test("nothing of a batch is so large that sending it, or parsing it, stops the event loop", async (context) => {
    let [sent, parsed, requests] = [0, 0, 0];
    const own: typeof fetch = async (input, init) => {
      requests += 1;
      sent = Math.max(sent, String(init?.body ?? "").length);
      return await fetch(input, init);
    };
    const parse = JSON.parse;
    context.mock.method(JSON, "parse", (text: string) => {
      parsed = Math.max(parsed, text.length);
      return parse(text) as unknown;
    });
    const store = await kv(id, { url: gateway.url, fetch: own });
    const keys = Array.from({ length: 65 }, (_, at) => `large:${at}`);
    const stored = await store.setMany(keys.map((key) => [key, new Uint8Array(24_576).fill(7)] as const));
    assert.ok(stored.every(({ status }) => status === "fulfilled"));
    const read = await store.getMany(keys);
    assert.ok(read.every((answer) => answer.status === "fulfilled" && answer.value?.value.byteLength === 24_576));
    // 128 KiB as base64, and what is around them.
    assert.ok(sent > 150_000 && sent < 190_000, `a document had ${sent} bytes`);
    assert.ok(parsed > 30_000 && parsed < 70_000, `${parsed} characters were parsed at once`);
    assert.equal(requests, 13 + 2);
  });

  test("a scan asks for no page that nobody reads", async () => {
    await direct.setMany(Array.from({ length: 100 }, (_, at) => [`lazy:${100 + at}`, "x"] as const));
    const before = proxy.seen.length;
    const scan = faulty.scan("lazy:");
    assert.equal(proxy.seen.length, before);
    await scan.next();
    assert.equal(proxy.seen.length, before + 1);
    for await (const { key } of scan) if (key === "lazy:105") break;
    assert.equal(proxy.seen.length, before + 1);
    // Behind its middle, a page asks for the next one, and for no more however long the loop takes.
    for await (const { key } of faulty.scan("lazy:")) {
      if (key !== "lazy:120") continue;
      await new Promise((resolve) => setTimeout(resolve, 50));
      break;
    }
    assert.equal(proxy.seen.length, before + 3);
    // A page that is lost is read again, and no entry is missing or there twice.
    proxy.faults = ["none", "lose-reply", "cut-reply"];
    const read: string[] = [];
    for await (const { key } of faulty.scan("lazy:")) read.push(key);
    assert.deepEqual(read, Array.from({ length: 100 }, (_, at) => `lazy:${100 + at}`));
  });

  test("a scan gives nothing more once its signal has spoken, also of what it has read", async () => {
    await direct.setMany(["a", "b", "c"].map((name) => [`ending:${name}`, "x"] as const));
    const reason = new Error("enough");
    for (const last of ["a", "c"]) {
      for (const scan of ["scan", "scanKeys"] as const) {
        const ending = new AbortController();
        const seen: string[] = [];
        const scanned = (async () => {
          for await (const { key } of direct[scan]("ending:", { signal: ending.signal })) {
            seen.push(key);
            if (key === `ending:${last}`) ending.abort(reason);
          }
        })();
        assert.equal(await scanned.then(() => "its end", (error: unknown) => error), reason);
        assert.equal(seen.at(-1), `ending:${last}`);
      }
    }
  });

  /** What a process of its own prints that gets a key, and waits for nothing else. */
  async function printed(options: string): Promise<string> {
    return await printedBy("cjs", `
      const { kv } = require(${JSON.stringify(join(process.cwd(), "dist/http.cjs"))});
      kv("k", { timeoutMs: 500, attemptTimeoutMs: 200, ${options} })
        .then((store) => store.get("a")).catch(({ kind }) => console.log(kind));
    `);
  }

  for (const [what, said] of [["never", ""], ["in part", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"]] as const) {
    test(`a call that is ${what} answered keeps the process until its time is up`, async () => {
      const silent = createServer((socket) => socket.on("error", () => {}).resume().write(said)).listen(0, "127.0.0.1");
      after(() => silent.close());
      await once(silent, "listening");
      const { port } = silent.address() as AddressInfo;
      assert.equal(await printed(`url: "http://127.0.0.1:${port}"`), "Timeout\n");
    });
  }

  test("so does one that a fetch of one's own never answers, which itself keeps nothing", async () => {
    const silent = '(_, { signal }) => new Promise((_, fail) => signal.addEventListener("abort", () => fail(signal.reason)))';
    assert.equal(await printed(`url: "http://localhost", fetch: ${silent}`), "Timeout\n");
  });

  test("options that cannot be used are refused before anything is sent, without what they hold", async () => {
    const key = "kv_1234567890abcdef_hunter2";
    for (const options of [
      { url: "hunter2" }, { url: "ftp://hunter2.example" }, { url: "https://me:hunter2@gateway.example" },
      { url: "https://gateway.example/?key=hunter2" }, { url: "http://gateway.example" }, { url: gateway.url, apiKey: `${key}\n` },
      { url: gateway.url, apiKey: "" }, { url: gateway.url, timeoutMs: 0 }, { url: gateway.url, attemptTimeoutMs: Number.NaN },
      { url: gateway.url, fetch: "x" }, { url: gateway.url, apikey: key }, { url: gateway.url, plainHttp: true }, undefined, {},
    ]) {
      const error = await rejects(kv(id, options as { url: string }), "NotConfigured");
      assert.ok(!error.message.includes("hunter2"), error.message);
    }
    await rejects(kv("no id", { url: gateway.url }), "InvalidInput");
    await kv(id, { url: "http://gateway.example", plainHttp: "anywhere" });
  });

  test("a fetch of one's own sends the requests, and the key goes with each of them", async () => {
    const sent: { path: string; key: string | null; accept: string | null }[] = [];
    const own: typeof fetch = async (input, init) => {
      const { pathname } = new URL(String(input));
      const headers = new Headers(init?.headers);
      sent.push({ path: pathname, key: headers.get("authorization"), accept: headers.get("accept") });
      return await fetch(input, init);
    };
    const store = await kv(id, { url: `${gateway.url}/`, apiKey: "kv_0123456789abcdef_secret", fetch: own });
    await store.set("k", "x").catch(() => {});
    const path = `/v1/kv/${id}/entry`;
    assert.deepEqual(sent, [{ path, key: "Bearer kv_0123456789abcdef_secret", accept: "*/*" }]);
    // One that adds what it thinks is missing gets the bytes all the same.
    const adding: typeof fetch = (input, init) => fetch(input, { ...init, headers: { accept: "application/json", ...init?.headers } });
    const added = await kv(id, { url: gateway.url, fetch: adding });
    await added.set("no:json", "text");
    assert.equal(await added.getText("no:json"), "text");
    const { inspect } = await import("node:util");
    assert.ok(!inspect(store, { depth: 9, showHidden: true }).includes("secret"), "printing a handle shows no key");
  });
});
