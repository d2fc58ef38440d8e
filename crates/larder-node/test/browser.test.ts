// The suite over HTTP in a browser, and the client of the plain API: the files that are published, as they are, in a page of
// another origin than the gateway's, which asks for a key.

import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, describe, test } from "node:test";

import { cases } from "./suite/index.js";
import { Gateway, larder, required } from "./support/program.js";
import { make } from "./support/stores.js";

/** As much of Playwright as is used; it is installed where the emulators are, and not with this package. */
interface Playwright {
  chromium: { launch(options: { executablePath: string; args: string[] }): Promise<Browser> };
}
interface Browser {
  newPage(): Promise<Page>;
  close(): Promise<void>;
}
interface Page {
  goto(url: string): Promise<unknown>;
  evaluate<R>(run: string): Promise<R>;
}

const root = join(import.meta.dirname, "../..");
const TYPES: Record<string, string> = { html: "text/html", js: "text/javascript" };

function pageFor(gateway: string, apiKey: string, id: string): string {
  return `<!doctype html><meta charset="utf-8">
<script type="importmap">{"imports":{"@larder/kv/http":"/dist/http.js","@larder/kv/client":"/dist/client.js"}}</script>
<script type="module">
  import { createClient } from "@larder/kv/client";
  import { kv } from "@larder/kv/http";
  import { cases, run } from "/build/suite/index.js";
  const [url, apiKey] = ${JSON.stringify([gateway, apiKey])};
  const open = () => kv(${JSON.stringify(id)}, { url, apiKey });
  window.larderClient = createClient({ baseUrl: url, apiKey }).database;
  window.larderStranger = createClient({ baseUrl: url }).database;
  const store = await open();
  window.larderRun = async (at) => {
    try {
      await run(cases[at], store, open);
      return null;
    } catch (error) {
      return String(error?.stack ?? error);
    }
  };
</script>`;
}

describe("over HTTP, in Chromium", async () => {
  const { id, cwd, env } = await make("embedded");
  let page = "";
  const pages = createServer(async (request, response) => {
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    try {
      const body = path === "/" ? page : await readFile(join(root, path));
      response.setHeader("content-type", TYPES[path === "/" ? "html" : "js"] ?? "text/plain").end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  pages.listen(0, "127.0.0.1");
  await once(pages, "listening");
  const origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;
  const script = "export default ({ n }) => n + 1;";
  writeFileSync(join(cwd, "more.mjs"), script);
  await larder(["script", "deploy", "more", "more.mjs", "--binding", id], cwd, env);
  const create = ["keys", "create", "--binding", id, "--allow", "read,write,delete,scan,scripts:run"];
  const [apiKey = ""] = (await larder(create, cwd, env)).split("\n");
  const gateway = await Gateway.start(["--binding", id, "--cors-origin", origin], cwd, env);
  page = pageFor(gateway.url, apiKey, id);

  const require = createRequire(join(required("LARDER_PLAYWRIGHT"), "package.json"));
  const { chromium } = require("playwright-core") as Playwright;
  // Containers run tests as root, for whom Chromium has no sandbox.
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  const browser = await chromium.launch({ executablePath: required("LARDER_CHROMIUM"), args });
  after(async () => {
    await browser.close();
    await gateway.stop();
    pages.close();
  });
  const tab = await browser.newPage();
  await tab.goto(origin);
  // A module that cannot be loaded leaves it undefined for good.
  await tab.evaluate(`new Promise((done, fail) => {
    const end = Date.now() + 20000;
    const look = () => window.larderRun ? done() : Date.now() > end ? fail(new Error("the page did not start")) : setTimeout(look, 20);
    look();
  })`);
  for (const [at, { name }] of cases.entries()) {
    test(name, async () => {
      const failure = await tab.evaluate<string | null>(`window.larderRun(${at})`);
      if (failure !== null) throw new Error(failure);
    });
  }

  test("the client of the plain API: every call, and what has no key", async () => {
    const client = (call: string) => tab.evaluate<unknown>(call);
    const entry = { key: "page:1", value: { n: 1 } };
    assert.deepEqual(await client(`larderClient.putData(${JSON.stringify(entry)})`), { ok: true, val: { key: "page:1", stored: true } });
    assert.deepEqual(await client('larderClient.scanData({ key: "page:1" })'), { ok: true, val: entry });
    assert.deepEqual(await client('larderClient.scanData({ prefix: "page:" })'), { ok: true, val: { items: [entry], cursor: null } });
    const run = (await client('larderClient.runScript({ script: "more", input: { n: 41 } })')) as { ok: boolean; val: { result?: unknown } };
    assert.deepEqual([run.ok, run.val], [true, 42], JSON.stringify(run));
    assert.equal(((await client('larderClient.deleteData({ key: "page:1" })')) as { ok: boolean }).ok, true);
    const refused = (await client('larderStranger.scanData({ key: "page:1" })')) as { ok: boolean; val: { statusCode: number; error: string } };
    assert.deepEqual([refused.ok, refused.val.statusCode, refused.val.error], [false, 401, "UNAUTHORIZED"]);
  });
});
