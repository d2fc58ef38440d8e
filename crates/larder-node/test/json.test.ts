// Long JSON, parsed in pieces: the same as in one go, whatever it is, and never much of it at once.

import assert from "node:assert/strict";
import { test } from "node:test";

import { readLongJson } from "../ts/http/json.js";

/** One for all tests: turns cannot stand a clock that goes back. */
let clock = 0;

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** Numbers that look as if by chance, and are the same each time: a failure can be had again. */
function chance(seed: number): (below: number) => number {
  let state = seed + 1;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >> 8) % below;
  };
}

const NAMES = ["items", "cursor", "", "__proto__", "7", "a\"b", "\\", "ü😀", "a"];
const LEAVES = ["0", "-1.5e3", "true", "false", "null", '""', '"\\\\"', '"\\""', '"]},["', '"\\u00fc ü😀"', `"${"x".repeat(40)}"`];
const SPACES = ["", "", "", " ", "\n", "\r\n\t"];

/** A document, with space wherever there may be some. */
function document(random: (below: number) => number, depth: number): string {
  const space = () => SPACES[random(SPACES.length)]!;
  const kind = depth === 0 ? 0 : random(5);
  if (kind < 2) return space() + LEAVES[random(LEAVES.length)]! + space();
  const members = Array.from({ length: random(6) }, () => {
    const value = document(random, depth - 1);
    return kind === 2 ? value : `${space()}${JSON.stringify(NAMES[random(NAMES.length)])}${space()}:${value}`;
  });
  const whole = members.length === 0 ? space() : members.join(",");
  return space() + (kind === 2 ? `[${whole}]` : `{${whole}}`) + space();
}

function parsed(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

test("long JSON is read as JSON.parse reads it, with names in the same order, and what is none is none", async () => {
  let [read, refused] = [0, 0];
  for (let seed = 0; seed < 3_000; seed += 1) {
    const random = chance(seed);
    let text = document(random, 1 + random(7));
    if (seed % 3 > 0) {
      const at = random(text.length);
      const put = seed % 3 === 1 ? "" : '[]{},:"\\0 \ufeff'[random(12)]!;
      text = text.slice(0, at) + put + text.slice(at + (random(2) || seed % 3 === 1 ? 1 : 0));
    }
    const body = bytesOf(text);
    const wanted = parsed(new TextDecoder().decode(body));
    for (const piece of [1, 7, 30]) {
      const found = await readLongJson(body, piece);
      const what = `seed ${seed}, pieces of ${piece}: ${text}`;
      assert.equal(JSON.stringify(found), JSON.stringify(wanted?.value), what);
      assert.deepEqual(found, wanted?.value, what);
    }
    if (wanted === undefined) refused += 1;
    else read += 1;
  }
  assert.ok(read > 1_000 && refused > 1_000, `${read} were read, and ${refused} refused`);
  // As of any text that comes as bytes.
  assert.deepEqual(await readLongJson(bytesOf("\ufeff[1,2,3]"), 4), [1, 2, 3]);
});

test("no more is parsed at once than a piece, or a member that is longer, with turns in between", async (context) => {
  const [PIECE, MEMBERS] = [1_024, 200];
  const longest = "x".repeat(3 * PIECE);
  const documents = {
    "a page": { items: Array.from({ length: MEMBERS }, (_, at) => ({ key: `${at}`, value: [at, "y".repeat(PIECE / 4)] })), cursor: null },
    "an object": Object.fromEntries(Array.from({ length: MEMBERS }, (_, at) => [`name ${at}`, { value: "y".repeat(PIECE / 4) }])),
    "long values": { ok: true, val: { items: Array.from({ length: 20 }, () => ({ value: longest })) } },
    "many numbers": Array.from({ length: 50_000 }, (_, at) => at),
  };
  for (const [what, given] of Object.entries(documents)) {
    const body = bytesOf(JSON.stringify(given));
    let [most, pieces, turns, isOver] = [0, 0, 0, false];
    const parse = JSON.parse;
    context.mock.method(JSON, "parse", (text: string) => {
      most = Math.max(most, text.length);
      pieces += 1;
      return parse(text) as unknown;
    });
    const turn = () => {
      turns += 1;
      if (!isOver) setImmediate(turn);
    };
    setImmediate(turn);
    clock = Math.max(clock, performance.now());
    // Every look at the clock uses up a turn.
    context.mock.method(performance, "now", () => (clock += 3));
    const found = await readLongJson(body, PIECE);
    isOver = true;
    context.mock.restoreAll();
    assert.deepEqual(found, given);
    const bound = what === "long values" ? longest.length + 20 : PIECE + 2;
    assert.ok(most <= bound, `${what}: ${most} characters were parsed at once`);
    assert.ok(pieces < (3 * body.byteLength) / PIECE + 10, `${what}: ${pieces} pieces`);
    assert.ok(turns >= body.byteLength / bound / 3, `${what}: it was read in ${turns} turns`);
  }
});

test("lists in lists without an end are no reason to look at them again and again", async () => {
  const DEPTH = 200_000;
  const began = performance.now();
  const found = await readLongJson(bytesOf("[".repeat(DEPTH) + "]".repeat(DEPTH)));
  // As deep as the engine can go, or none.
  assert.ok(found === undefined || Array.isArray(found));
  assert.ok(performance.now() - began < 5_000);
});
