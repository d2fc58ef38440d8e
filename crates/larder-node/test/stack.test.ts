// Stacks, as `larder plan` and `larder up` read them.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { kv, LarderError } from "@larder/kv";
import * as alien from "@larder/kv/stack";
import { Kv, stack } from "@larder/kv/stack";
import { directory, larder } from "./support/program.js";

test("sample: stack definition", async () => {
  const cache = new alien.Kv("cache").build()

  assert.deepEqual(cache, { type: "kv", id: "cache" });
  // What it gives is a stack by itself.
  const cwd = directory();
  writeFileSync(join(cwd, "stack.json"), JSON.stringify(cache));
  const plan = await planOf(cwd);
  assert.deepEqual(plan.map(({ id }) => id), ["cache"]);
});

test("the stack that is written is read by larder plan, and made by larder up", async () => {
  const cwd = directory();
  const sessions = new Kv("sessions", { shards: 4, deletionProtection: true }).build();
  await stack(new Kv("cache").build(), sessions).write(join(cwd, "stack.json"));
  assert.deepEqual(JSON.parse(readFileSync(join(cwd, "stack.json"), "utf8")), {
    resources: [{ type: "kv", id: "cache" }, { type: "kv", id: "sessions", shards: 4, deletionProtection: true }],
  });
  const plan = await planOf(cwd);
  assert.deepEqual(plan.map(({ id, changes }) => [id, changes]), [["cache", true], ["sessions", true]]);
  await larder(["up", "--yes", "--platform", "local"], cwd);
  assert.deepEqual((await planOf(cwd)).map(({ changes }) => changes), [false, false]);
});

test("ids are refused in the words of the Rust library", async () => {
  for (const id of ["", "a b", "a:b", "ä", "a\n\"b\"\\", "\u0007\u0000", "k".repeat(65), "k".repeat(99), "🥫"]) {
    const ours = messageOf(() => new Kv(id));
    // What larder plan says, which has a check of its own.
    const cwd = directory();
    writeFileSync(join(cwd, "stack.json"), JSON.stringify({ type: "kv", id }));
    const theirs = await larder(["plan", "--platform", "local"], cwd).catch((error: { stderr: string }) => error.stderr);
    assert.ok(theirs.includes(ours.replace("invalid input: ", "")), `${ours} is not in ${theirs}`);
    await assert.rejects(kv(id), (error: LarderError) => error.kind === "InvalidInput" && error.message === ours);
  }
});

test("what larder plan would refuse is refused here", () => {
  const [a, b] = [new Kv("my-cache").build(), new Kv("my_cache").build()];
  assert.match(messageOf(() => stack()), /at least one resource/);
  assert.match(messageOf(() => stack(a, a)), /resource 2: "my-cache" is there twice/);
  assert.match(messageOf(() => stack(a, b)), /both be found in LARDER_MY_CACHE_BINDING; rename one of them/);
  assert.match(messageOf(() => stack(a, { type: "kv", id: "a b" })), /resource 2: "a b" is no resource id/);
  assert.match(messageOf(() => stack({ type: "kv" } as typeof a)), /resource 1: a resource id is a string/);
  assert.match(messageOf(() => stack(null as unknown as typeof a)), /resource 1: a resource id is a string/);
  assert.match(messageOf(() => new Kv("a", { shards: 3 as 4 })), /shards must be 1, 4 or 16/);
  assert.match(messageOf(() => new Kv(7 as unknown as string)), /a resource id is a string/);
  // A protection that is not there because of a typing error would be found out by losing the store.
  assert.match(messageOf(() => new Kv("a", { deletionprotection: true } as object)), /no option "deletionprotection"/);
});

test("an error is an instance of its own classes alone", () => {
  class Special extends LarderError {}
  const error = new LarderError("Internal", "why");
  const special = new Special("Internal", "why");
  assert.ok(error instanceof LarderError && special instanceof LarderError && special instanceof Special);
  assert.ok(!((error as unknown) instanceof Special));
});

async function planOf(cwd: string): Promise<{ id: string; changes: boolean }[]> {
  return JSON.parse(await larder(["plan", "--platform", "local", "-o", "json"], cwd)) as never;
}

function messageOf(refused: () => unknown): string {
  try {
    refused();
  } catch (error) {
    assert.ok(error instanceof LarderError);
    assert.equal(error.kind, "InvalidInput");
    return error.message;
  }
  throw new Error("it was not refused");
}
