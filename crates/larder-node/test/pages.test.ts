// Pages over HTTP: as large as they may be, and cut short.

import assert from "node:assert/strict";
import { after, describe, test } from "node:test";

import { kv, valuesOf } from "@larder/kv/http";
import { equal, rejects } from "./suite/check.js";
import { Gateway } from "./support/program.js";
import { make } from "./support/stores.js";

const VALUE = new Uint8Array(24_576).fill(7);
/** As many of the largest values as 4 MiB have room for, and one that begins below that. */
const FULL = Math.ceil((4 * 1024 * 1024) / VALUE.byteLength);

describe("pages over HTTP", async () => {
  const { id, cwd, env } = await make("embedded");
  const gateway = await Gateway.start(["--binding", id], cwd, env);
  after(() => gateway.stop());
  const direct = await kv(id, { url: gateway.url });
  const keys = Array.from({ length: 200 }, (_, at) => `large:${1_000 + at}`);
  valuesOf(await direct.setMany(keys.map((key) => [key, VALUE] as const)));
  valuesOf(await direct.setMany(["small:1", "small:2", "small:3"].map((key) => [key, "x"] as const)));

  test("a page of the largest size is full, and no turn parses more of it than an item", async (context) => {
    let longest = 0;
    const parse = JSON.parse;
    context.mock.method(JSON, "parse", (text: string) => {
      longest = Math.max(longest, text.length);
      return parse(text) as unknown;
    });
    // Every look at the clock uses up a turn.
    let clock = performance.now();
    context.mock.method(performance, "now", () => (clock += 3));
    let turns = 0;
    let isOver = false;
    const turn = () => {
      turns += 1;
      if (!isOver) setImmediate(turn);
    };
    let answered = 0;
    const own: typeof fetch = async (input, init) => {
      const response = await fetch(input, init);
      const body = await response.arrayBuffer();
      answered = turns;
      return new Response(body, response);
    };
    const store = await kv(id, { url: gateway.url, fetch: own, timeoutMs: 2 ** 31 - 1, attemptTimeoutMs: 2 ** 31 - 1 });
    setImmediate(turn);
    const page = await store.scanPage("large:", { limit: 1_000 });
    isOver = true;
    context.mock.restoreAll();
    equal(page.items.map(({ key }) => key), keys.slice(0, page.items.length));
    assert.ok(page.items.every(({ value }) => value.byteLength === VALUE.byteLength && value[0] === 7));
    // S2: as many as the gateway's own document has, which is full.
    const document = await fetch(`${gateway.url}/v1/kv/${id}/scan?prefix=large:&limit=1000`);
    const { items, cursor } = (await document.json()) as { items: unknown[]; cursor: string };
    assert.deepEqual([page.items.length, page.cursor], [items.length, cursor]);
    assert.ok(FULL - page.items.length <= 1, `it has ${page.items.length} entries`);
    assert.ok(longest < 40_000, `${longest} characters were parsed at once`);
    assert.ok(turns - answered > page.items.length / 3, `${turns - answered} turns`);
    const rest = await direct.scanPage("large:", { limit: 1_000, cursor: page.cursor });
    equal(rest.items.map(({ key }) => key), keys.slice(page.items.length));
    assert.equal(rest.cursor, undefined);
  });

  test("a page that comes as a document, as by way of a proxy that asks for one, is read as well", async () => {
    const own: typeof fetch = (input, init) => fetch(input, { ...init, headers: { accept: "*/*" } });
    const store = await kv(id, { url: gateway.url, fetch: own });
    for (const limit of [2, 3]) {
      const wanted = await direct.scanPage("small:", { limit });
      equal(await store.scanPage("small:", { limit }), wanted);
      equal(await store.scanKeysPage("small:", { limit }), await direct.scanKeysPage("small:", { limit }));
    }
    const whole = await (await fetch(`${gateway.url}/v1/kv/${id}/scan?prefix=small:`)).text();
    const damaged = { key: "small:2", error: { error: "CORRUPT", message: "why", statusCode: 500, requestId: "1" } };
    const read = async (text: string, type = "application/json") => {
      const answer: typeof fetch = async () => new Response(text, { headers: { "content-type": type } });
      return (await kv(id, { url: gateway.url, fetch: answer })).scanPage("small:");
    };
    equal((await read(whole, "application/json; charset=utf-8")).items.length, 3);
    const page = await read(JSON.stringify({ items: [damaged], cursor: "AAAA" }));
    equal([page.items, page.errors.map(({ kind, key }) => [kind, key]), page.cursor], [[], [["Corrupt", "small:2"]], "AAAA"]);
    for (const text of [
      whole.slice(0, -1), "", "[]", '{"items":[]}', '{"items":[],"cursor":7}', '{"items":{},"cursor":null}',
      '{"items":[{}],"cursor":null}', '{"items":[null],"cursor":null}', '{"complete":true,"entries":0,"failed":0,"cursor":null}',
    ]) {
      await rejects(read(text), "Unavailable");
    }
  });

  test("what is not all of a page is none", async () => {
    const whole = await (await fetch(`${gateway.url}/v1/kv/${id}/scan?prefix=small:`, {
      headers: { accept: "application/x-ndjson" },
    })).text();
    const lines = whole.trimEnd().split("\n");
    const end = lines.at(-1)!;
    const body = (...given: string[]) => given.map((line) => `${line}\n`).join("");
    const read = async (text: string) => {
      const own: typeof fetch = async () => new Response(text, { headers: { "content-type": "application/x-ndjson" } });
      return (await kv(id, { url: gateway.url, fetch: own })).scanPage("small:");
    };
    equal((await read(whole)).items.length, 3);
    for (const [what, text] of Object.entries({
      nothing: "", "no end": body(...lines.slice(0, 3)), "an item less": body(lines[0]!, lines[2]!, end),
      "cut in a line": whole.slice(0, whole.length - end.length - 20), "cut in the end": whole.slice(0, -10),
      "more behind its end": whole + body(lines[0]!), "two ends": whole + body(end), "an empty line": `${whole}\n`,
      "not complete": body(...lines.slice(0, 3), end.replace("true", "false")),
      "no cursor": body(...lines.slice(0, 3), end.replace(',"cursor":null', "")),
      "another cursor": body(...lines.slice(0, 3), end.replace('"cursor":null', '"cursor":7')),
      "no item": body(...lines.slice(0, 2), "{}", end), "a document that says it has lines": JSON.stringify({ items: [], cursor: null }),
    })) {
      await rejects(read(text), "Unavailable").catch((wrong: Error) => {
        throw new Error(`${what}: ${wrong.message}`);
      });
    }
  });
});
