// What is published: packed, installed in a project of its own, and used there by ESM, CommonJS and TypeScript.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { promisify } from "node:util";

import { directory } from "./support/program.js";

const root = join(import.meta.dirname, "../..");
const run = promisify(execFile);

describe("the package", () => {
  const project = directory();
  let manifest: Record<string, unknown>;

  before(async () => {
    await run(process.execPath, ["scripts/pack.mjs"], { cwd: root });
    const packages = readdirSync(join(root, "build/packages")).map((name) => join(root, "build/packages", name));
    assert.equal(packages.length, 2, `${packages}`);
    writeFileSync(join(project, "package.json"), '{"name":"project","private":true}');
    // Those of other platforms are not there, as they would not fit here.
    await run("npm", ["install", "--offline", "--no-audit", "--no-fund", ...packages], { cwd: project });
    manifest = JSON.parse(readFileSync(join(project, "node_modules/@larder/kv/package.json"), "utf8"));
  });

  /** Runs a script in the project; returns what it printed. */
  async function script(name: string, text: string): Promise<string> {
    writeFileSync(join(project, name), text);
    return (await run(process.execPath, [name], { cwd: project })).stdout;
  }

  test("runs nothing when it is installed, and asks for addons of its own version", () => {
    assert.equal(manifest["scripts"], undefined);
    assert.equal(manifest["dependencies"], undefined);
    assert.equal(manifest["sideEffects"], false);
    const addons = manifest["optionalDependencies"] as Record<string, string>;
    const platforms = ["darwin-arm64", "darwin-x64", "linux-arm64-gnu", "linux-x64-gnu", "win32-x64-msvc"];
    assert.deepEqual(addons, Object.fromEntries(platforms.map((name) => [`@larder/kv-${name}`, manifest["version"]])));
    for (const name of platforms) {
      const addon = JSON.parse(readFileSync(join(root, "npm", name, "package.json"), "utf8"));
      assert.equal(addon.version, manifest["version"]);
      const [os, cpu] = name.split("-");
      assert.deepEqual([addon.os, addon.cpu, addon.main], [[os], [cpu], `larder-kv.${name}.node`]);
    }
    const cargo = readFileSync(join(root, "../../Cargo.toml"), "utf8");
    assert.equal(/^version = "(.+)"$/m.exec(cargo)?.[1], manifest["version"], "the workspace has the same version");
  });

  test("works as ESM", async () => {
    const said = await script("esm.mjs", `
      import { kv, LarderError } from "@larder/kv";
      import { kv as http } from "@larder/kv/http";
      import { createClient } from "@larder/kv/client";
      import { Kv, stack } from "@larder/kv/stack";
      const store = await kv("esm", { binding: "local-kv:data-esm" });
      await store.set("k", { n: 1 });
      const error = await http("no id", {}).catch((error) => error);
      console.log(JSON.stringify([await store.getJson("k"), error instanceof LarderError, typeof createClient,
        stack(new Kv("a").build())]));
      await store[Symbol.asyncDispose]();
    `);
    assert.equal(said.trim(), '[{"n":1},true,"function",{"resources":[{"type":"kv","id":"a"}]}]');
  });

  test("works as CommonJS, and both forms know each other's errors", async () => {
    const said = await script("cjs.cjs", `
      const { kv, LarderError } = require("@larder/kv");
      const { kv: http } = require("@larder/kv/http");
      require("@larder/kv/client");
      require("@larder/kv/stack");
      (async () => {
        const esm = await import("@larder/kv");
        const store = await kv("cjs", { binding: "local-kv:data-cjs" });
        await store.set("k", "x");
        const ours = await http("no id", {}).catch((error) => error);
        const theirs = await esm.kv("no id").catch((error) => error);
        console.log([await store.getText("k"), ours instanceof LarderError, theirs instanceof LarderError,
          ours instanceof esm.LarderError, new Error("x") instanceof LarderError].join());
        await store[Symbol.asyncDispose]();
      })();
    `);
    assert.equal(said.trim(), "x,true,true,true,false");
  });

  test("has types for both, under every way of resolving them", async () => {
    writeFileSync(join(project, "use.mts"), TYPED);
    writeFileSync(join(project, "use.cts"), TYPED);
    const readme = readFileSync(join(project, "node_modules/@larder/kv/README.md"), "utf8");
    const samples = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, sample = ""]) => sample);
    assert.equal(samples.length, 4);
    const pages = samples.map((sample, at) => {
      writeFileSync(join(project, `readme-${at}.mts`), `declare const apiKey: string\n${sample}`);
      return `readme-${at}.mts`;
    });
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    const common = ["--noEmit", "--strict", "--skipLibCheck", "false", "--exactOptionalPropertyTypes", "--target", "es2022", "--lib",
      "es2022,esnext.disposable,dom"];
    for (const resolution of [["--module", "node16"], ["--module", "esnext", "--moduleResolution", "bundler"]]) {
      const files = resolution.includes("bundler") ? ["use.mts", ...pages] : ["use.mts", "use.cts", ...pages];
      await run(process.execPath, [tsc, ...common, ...resolution, ...files], { cwd: project }).catch((error) => {
        throw new Error(error.stdout);
      });
    }
  });

  test("an addon of another version is refused, and so is a platform without one", async () => {
    const said = await script("other.mjs", `
      import { createRequire } from "node:module";
      const addon = createRequire(import.meta.url)("@larder/kv-linux-x64-gnu".replace("linux-x64-gnu", ${JSON.stringify(target())}));
      addon.version = () => "9.9.9";
      const { kv } = await import("@larder/kv");
      const error = await kv("a", { binding: "local-kv:data" }).catch((error) => error);
      console.log(error.kind, error.message);
      Object.defineProperty(process, "arch", { value: "mips" });
      const { kv: again } = await import("@larder/kv");
      console.log((await again("a").catch((error) => error)).message);
    `);
    assert.match(said, /^Unsupported unsupported: the addon is of version 9\.9\.9, and the package of 0\.1\.0: install them together/);
    assert.match(said, /there is no addon for linux-mips, only for .*linux-x64-gnu.*: use @larder\/kv\/http and a gateway/);
  });

  test("where the addon was left out, it says so, and what needs none works", async () => {
    const bare = directory();
    writeFileSync(join(bare, "package.json"), '{"name":"bare","private":true}');
    const [packed = ""] = readdirSync(join(root, "build/packages")).filter((name) => /^larder-kv-\d/.test(name));
    const left_out = ["--omit=optional", "--offline", "--no-audit", "--no-fund"];
    await run("npm", ["install", ...left_out, join(root, "build/packages", packed)], { cwd: bare });
    writeFileSync(join(bare, "bare.mjs"), `
      import { kv } from "@larder/kv";
      import { kv as http } from "@larder/kv/http";
      const error = await kv("a", { binding: "local-kv:data" }).catch((error) => error);
      console.log(error.kind, error.message);
      console.log(error.cause.code);
      const fetch = async () => new Response("x");
      console.log(await (await http("a", { url: "http://127.0.0.1", fetch })).getText("k"));
    `);
    const { stdout } = await run(process.execPath, ["bare.mjs"], { cwd: bare });
    const [error = "", code, text] = stdout.trim().split("\n");
    assert.ok(error.startsWith(`Unsupported unsupported: the package @larder/kv-${target()} is not there: `), error);
    assert.ok(error.includes("--no-optional"), error);
    assert.deepEqual([code, text], ["MODULE_NOT_FOUND", "x"]);
  });

  test("the HTTP transport and the client need nothing of Node.js", () => {
    const dist = join(project, "node_modules/@larder/kv/dist");
    for (const entry of ["http", "client"]) {
      const seen = new Set<string>();
      const look = (name: string) => {
        if (seen.has(name)) return;
        seen.add(name);
        const text = readFileSync(join(dist, name), "utf8");
        for (const [, from = ""] of text.matchAll(/(?:from|import\(?)\s*["']([^"']+)["']/g)) {
          assert.ok(from.startsWith("./"), `${name} imports ${from}`);
          assert.ok(!builtinModules.includes(from));
          look(from.slice(2));
        }
      };
      look(`${entry}.js`);
      assert.ok(seen.size > 1, "it has looked at the chunks, too");
    }
  });
});

function target(): string {
  return (readdirSync(root).find((name) => name.endsWith(".node")) ?? "").replace(/^larder-kv\.|\.node$/g, "");
}

/** What users may write, and what they may not. */
const TYPED = `
import { kv, LarderError, valuesOf, type Entry, type Kv } from "@larder/kv";
import { kv as http } from "@larder/kv/http";
import { createClient } from "@larder/kv/client";
import { Kv as Resource, stack } from "@larder/kv/stack";

export async function use(): Promise<void> {
  const cache: Kv = await kv("cache");
  const stored: boolean = await cache.set("k", { a: 1 }, { ttlMs: 1, ifNotExists: true });
  await cache.set("k", "text", { ttlMs: undefined });
  await cache.set("k", new Uint8Array(1), { ifVersion: "v", signal: AbortSignal.timeout(1) });
  const raw: Uint8Array | undefined = await cache.get("k");
  const user: { name: string } | undefined = await cache.getJson<{ name: string }>("k");
  const unknown: unknown = await cache.getJson("k");
  for await (const { key, value } of cache.scan("user:")) { const k: string = key; const v: Uint8Array = value; void [k, v]; }
  for await (const entry of cache.scan("user:", { limit: 5, onCorrupt: (error: LarderError) => void error.key })) void entry.version;
  const page1 = await cache.scanPage("user:", { limit: 10, cursor: undefined });
  const [firstOf]: Entry[] = page1.items; const next1: string | undefined = page1.cursor; const bad: LarderError[] = page1.errors;
  const keysOf: string[] = (await cache.scanKeysPage("user:", { limit: 1_000 })).items.map(({ key }) => key);
  const gone: PromiseSettledResult<void>[] = await cache.deleteMany(new Set(["a"]), { signal: AbortSignal.timeout(1) });
  const deleted: boolean = await cache.delete("k", { ifVersion: "v" });
  const there: boolean = await cache.exists("k");
  const whole: Entry | undefined = await cache.entry("k");
  void [firstOf, next1, bad, keysOf, gone, deleted, there, whole?.ttlMs];
  for await (const info of cache.scanKeys()) { const left: number | undefined = info.ttlMs; void left; }
  const sum: bigint = await cache.increment("n", 2, { ttlMs: 5 });
  const found: (Entry | undefined)[] = valuesOf(await cache.getMany(["a"]));
  const versions: string[] = valuesOf(await cache.setMany(new Map([["a", 1]]), { ttlMs: 1 }));
  const put = await cache.put("k", 1);
  if (put.stored) { const version: string = put.version; void version; }
  const touched = await cache.touch("k", null);
  if (!touched.touched) { const reason: "absent" | "version" = touched.reason; void reason; }
  const far: Kv = await http("cache", { url: new URL("https://x"), apiKey: undefined, fetch });
  await far[Symbol.asyncDispose]();
  try { await cache.get("k"); } catch (error) {
    if (error instanceof LarderError) { const kind: "Timeout" | string = error.kind; void [kind, error.retryable, error.key]; }
  }
  const sdk = createClient({ baseUrl: "https://x", apiKey: "k" });
  const one = await sdk.database.scanData<{ n: number }>({ key: "k" });
  if (one.ok) { const n: number = one.val.value.n; void n; } else { const code: string = one.val.error; void code; }
  const page = await sdk.database.scanData({ prefix: "k", limit: 1 });
  if (page.ok) { page.val.items.forEach((item) => item.key); const next: string | null = page.val.cursor; void next; }
  const stored1 = await sdk.database.putData({ key: "k", value: { any: ["json"] }, ttl: 60 });
  if (stored1.ok) { const was: boolean = stored1.val.stored; void was; }
  const removed = await sdk.database.deleteData({ key: "k" });
  if (!removed.ok) { const status: number = removed.val.statusCode; const more: unknown = removed.val.details; void [status, more]; }
  const total = await sdk.database.runScript<{ total: number }>({ script: "totals", input: { orderId: "o1" } });
  if (total.ok) { const sum1: number = total.val.total; void sum1; }
  await stack(new Resource("cache", { shards: 4 }).build()).write();
  void [stored, raw, user, unknown, sum, found, versions];

  // @ts-expect-error a bigint is no JSON
  await cache.set("k", 1n);
  // @ts-expect-error undefined is no value
  await cache.set("k", undefined);
  // @ts-expect-error lifetimes are milliseconds, and named so
  await cache.set("k", "x", { ttl: 5 });
  // @ts-expect-error a touch says for how long
  await cache.touch("k");
  // @ts-expect-error keys are text
  await cache.get(7);
  // @ts-expect-error what may not be there has to be looked at
  raw.length;
  // @ts-expect-error kinds are known
  if ((new Error() as LarderError).kind === "Nonsense") throw new Error();
  // @ts-expect-error a put without a version has none
  put.version;
  // @ts-expect-error either a key or a prefix
  await sdk.database.scanData({});
  // @ts-expect-error entries of keys have no value
  for await (const info of cache.scanKeys()) void info.value;
  // @ts-expect-error a page goes on where a text says
  await cache.scanPage("k", { cursor: 5 });
  // @ts-expect-error a stored value has a key
  await sdk.database.putData({ value: 1 });
  // @ts-expect-error results have to be looked at
  one.val.value;
  // @ts-expect-error 3 shards are not offered
  new Resource("a", { shards: 3 });
  // @ts-expect-error a gateway has a URL
  await http("cache", {});
}
`;
