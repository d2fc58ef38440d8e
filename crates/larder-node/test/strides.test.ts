// What is done to a large batch before it is sent and after it was answered: by a clock of the test's own, whose every look
// uses up a turn.

import assert from "node:assert/strict";
import { test } from "node:test";

import { kv } from "@larder/kv/http";

/** One for all tests: turns cannot stand a clock that goes back. */
let clock = performance.now();

const PAIRS = 20_000;
/** As many pairs at most as are looked at in a turn: two strides, of which the second finds no time left. */
const IN_A_TURN = 2 * 64;

test("a large setMany is prepared, and its answers are put in order, in strides", async (context) => {
  let turns = 0;
  let isOver = false;
  const turn = () => {
    turns += 1;
    if (!isOver) setImmediate(turn);
  };
  // Turns of the three stages: after the list was looked at, at the first request, and at the last answer.
  let [listed, firstSent, lastAnswered] = [0, 0, 0];
  function* pairs() {
    for (let at = 0; at < PAIRS; at += 1) yield [`k:${at % (PAIRS - 1)}`, `${at}`] as const;
    listed = turns;
  }
  const sent = new Map<string, string>();
  const fetch = async (_: unknown, init?: RequestInit) => {
    firstSent ||= turns;
    const { entries } = JSON.parse(String(init?.body)) as { entries: { key: string; value: string }[] };
    for (const { key, value } of entries) sent.set(key, Buffer.from(value, "base64").toString());
    lastAnswered = turns;
    return Response.json({ items: entries.map(({ key }) => ({ key, version: key.replace(":", "_") })), failed: 0 });
  };
  const store = await kv("strides", {
    url: "http://127.0.0.1", fetch: fetch as typeof globalThis.fetch, timeoutMs: 2 ** 31 - 1,
  });
  context.mock.method(performance, "now", () => (clock += 3));
  setImmediate(turn);
  const answers = await store.setMany(pairs());
  isOver = true;
  context.mock.restoreAll();
  const least = PAIRS / IN_A_TURN - 2;
  assert.ok(firstSent - listed >= least, `it was prepared in ${firstSent - listed} turns`);
  assert.ok(turns - lastAnswered >= least, `the answers were put in order in ${turns - lastAnswered} turns`);
  // The last value of a key is sent, and each of its positions is answered.
  assert.deepEqual([answers.length, sent.size, sent.get("k:0")], [PAIRS, PAIRS - 1, `${PAIRS - 1}`]);
  for (const at of [0, 1, PAIRS - 2, PAIRS - 1]) {
    assert.deepEqual(answers[at], { status: "fulfilled", value: `k_${at % (PAIRS - 1)}` });
  }
});

test("answers of a batch's parts that come in one turn are parsed in a turn each", async (context) => {
  const [PARTS, IN_A_PART] = [10, 64];
  const AT_ONCE = 4;
  let sent = 0;
  let held: (() => void)[] = [];
  const fetch = async (_: unknown, init?: RequestInit) => {
    const { keys } = JSON.parse(String(init?.body)) as { keys: string[] };
    sent += 1;
    const answered = new Promise<void>((resolve) => held.push(resolve));
    if (held.length === AT_ONCE || sent === PARTS) {
      for (const answer of held) answer();
      held = [];
    }
    await answered;
    return Response.json({ items: keys.map((key) => ({ key, absent: true })), failed: 0 });
  };
  const store = await kv("strides", {
    url: "http://127.0.0.1", fetch: fetch as typeof globalThis.fetch, timeoutMs: 2 ** 31 - 1,
  });
  const parsed = [0];
  let isOver = false;
  const turn = () => {
    parsed.push(0);
    if (!isOver) setImmediate(turn);
  };
  const parse = JSON.parse;
  context.mock.method(JSON, "parse", (text: string) => {
    if (text.startsWith('{"items"')) parsed[parsed.length - 1]! += 1;
    return parse(text) as unknown;
  });
  context.mock.method(performance, "now", () => (clock += 3));
  setImmediate(turn);
  const keys = Array.from({ length: IN_A_PART * PARTS }, (_, at) => `k:${at}`);
  const answers = await store.getMany(keys);
  isOver = true;
  context.mock.restoreAll();
  assert.equal(answers.length, keys.length);
  assert.equal(parsed.reduce((sum, count) => sum + count), PARTS);
  assert.equal(Math.max(...parsed), 1);
});
