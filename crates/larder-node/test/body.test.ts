// How the bodies of answers are read: long ones in turns, short ones as a whole.

import assert from "node:assert/strict";
import { test } from "node:test";

import { readBody } from "../ts/http/body.js";

const PIECES = 50;
const PIECE = new Uint8Array(16 * 1024).map((_, at) => at);

/** One for all tests: turns cannot stand a clock that goes back. */
let clock = performance.now();

/** A body in as many pieces. */
function stream(pieces: number): ReadableStream<Uint8Array> {
  let left = pieces;
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      left -= 1;
      if (left < 0) controller.close();
      else controller.enqueue(PIECE);
    },
  });
}

/** Reads a body by a clock whose every look uses up a turn; what it is, and how many turns that took. */
async function read(response: Response): Promise<{ body: Uint8Array; turns: number }> {
  const now = performance.now;
  let [turns, isOver] = [0, false];
  const turn = () => {
    turns += 1;
    if (!isOver) setImmediate(turn);
  };
  performance.now = () => (clock += 3);
  setImmediate(turn);
  try {
    return { body: await readBody(response), turns };
  } finally {
    isOver = true;
    performance.now = now;
  }
}

test("a long body is taken and put together in a turn for each piece", async () => {
  const long = { "content-length": `${PIECES * PIECE.byteLength}` };
  const packed = { "content-length": "100", "content-encoding": "gzip" };
  for (const headers of [{}, long, packed]) {
    const { body, turns } = await read(new Response(stream(PIECES), { headers }));
    assert.equal(Buffer.compare(body, Buffer.concat(Array<Uint8Array>(PIECES).fill(PIECE))), 0);
    assert.ok(turns >= PIECES, `${turns} turns for ${JSON.stringify(headers)}`);
  }
});

test("a short body, and one without a stream, is read as a whole", async () => {
  const short = new Response(stream(2), { headers: { "content-length": `${2 * PIECE.byteLength}` } });
  const { body, turns } = await read(short);
  assert.deepEqual([body.byteLength, turns], [2 * PIECE.byteLength, 0]);
  const none = await read(new Response(null, { status: 204 }));
  assert.equal(none.body.byteLength, 0);
  const bare = { headers: new Headers(), arrayBuffer: async () => PIECE.buffer } as unknown as Response;
  assert.deepEqual((await read(bare)).body, PIECE);
  const empty = await read(new Response(stream(0)));
  assert.equal(empty.body.byteLength, 0);
});
