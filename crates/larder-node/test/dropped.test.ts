// What becomes of those who wait for a turn where a runtime drops callbacks: with a loop and a clock of the test's own.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Turns } from "../ts/turn.js";

/** A loop whose callbacks come, or do not, when the test says so. */
class Loop {
  callbacks: (() => void)[] = [];
  time = 0;

  readonly now = () => this.time;
  readonly soon = (callback: () => void) => void this.callbacks.push(callback);

  /** The next turn. */
  async turn(): Promise<void> {
    for (const callback of this.callbacks.splice(0)) callback();
    // What the callbacks have resumed runs on.
    for (let at = 0; at < 50; at += 1) await undefined;
  }

  /** What runtimes do that freeze when a request is over. */
  drop(): void {
    this.callbacks = [];
  }
}

/** Turns of a loop, and that the first has no time left. */
function spent(): { loop: Loop; turns: Turns } {
  const loop = new Loop();
  const turns = new Turns(loop);
  assert.ok(turns.hasTime());
  loop.time += SPENT_MS;
  assert.ok(!turns.hasTime());
  return { loop, turns };
}

/** More than a turn has. */
const SPENT_MS = 3;

/** Waits for a turn; tells when it has come. */
function waiter(turns: Turns, names: string[], name: string): void {
  void turns.untilTime().then(() => names.push(name));
}

test("who waits in a turn whose callback was dropped asks for one of its own", async () => {
  const loop = new Loop();
  const turns = new Turns(loop);
  assert.ok(turns.hasTime());
  loop.drop();
  loop.time += SPENT_MS;
  assert.ok(!turns.hasTime());
  const resumed: string[] = [];
  waiter(turns, resumed, "a");
  await loop.turn();
  assert.deepEqual(resumed, ["a"]);
  assert.ok(turns.mayGoOn());
});

test("who waits behind one whose callback was dropped asks anew, and their order stays", async () => {
  const { loop, turns } = spent();
  const resumed: string[] = [];
  waiter(turns, resumed, "a");
  loop.drop();
  loop.time += 60_000;
  waiter(turns, resumed, "b");
  waiter(turns, resumed, "c");
  await loop.turn();
  assert.deepEqual(resumed, ["a", "b", "c"]);
  // Again, where those who were resumed have used up their turn.
  loop.time += SPENT_MS;
  assert.ok(!turns.hasTime());
  waiter(turns, resumed, "d");
  await loop.turn();
  assert.deepEqual(resumed, ["a", "b", "c", "d"]);
});

test("who waits behind one whose callback was dropped just before asks anew", async () => {
  for (const later of [5, 0]) {
    const { loop, turns } = spent();
    const resumed: string[] = [];
    waiter(turns, resumed, "a");
    // The request of the first one ends here.
    await undefined;
    loop.drop();
    loop.time += later;
    waiter(turns, resumed, "b");
    waiter(turns, resumed, "c");
    // In one turn one is enough.
    assert.equal(loop.callbacks.length, 1);
    await loop.turn();
    assert.deepEqual(resumed, ["a", "b", "c"], `${later} ms later`);
  }
});

test("those who wait again when they are resumed ask for one callback together", async () => {
  const { loop, turns } = spent();
  let rounds = 0;
  const loops = Array.from({ length: 10 }, async () => {
    for (let at = 0; at < 5; at += 1) {
      await turns.untilTime();
      rounds += 1;
      loop.time += 0.5;
    }
  });
  let most = 0;
  while (rounds < 50) {
    await loop.turn();
    most = Math.max(most, loop.callbacks.length);
  }
  await Promise.all(loops);
  // That of the turn, and that of who is resumed last and waits when the others have used up the time.
  assert.ok(most <= 2, `${most} were asked for in a turn`);
});

test("many who wait ask for no more callbacks than a busy loop is late", async () => {
  const { loop, turns } = spent();
  const resumed: string[] = [];
  for (let at = 0; at < 1_000; at += 1) {
    waiter(turns, resumed, `${at}`);
    loop.time += 0.1;
  }
  // One for the turn, one for the first, and one for each 10 of the 100 ms behind it.
  assert.ok(loop.callbacks.length <= 12, `${loop.callbacks.length} were asked for`);
});

test("of several callbacks only the first begins a turn", async () => {
  const { loop, turns } = spent();
  waiter(turns, [], "a");
  const [first, second] = loop.callbacks.splice(0);
  assert.ok(first !== undefined && second !== undefined);
  first();
  assert.ok(turns.hasTime());
  loop.time += SPENT_MS;
  assert.ok(!turns.hasTime());
  second();
  assert.ok(!turns.hasTime(), "the turn got its time twice");
});

test("who waits to do little, or to begin a call, is resumed with others like it, in the order of all", async () => {
  const { loop, turns } = spent();
  const resumed: string[] = [];
  const together = (wait: Promise<void>, name: string) => {
    void wait.then(() => {
      resumed.push(name);
      loop.time += 0.001;
    });
    return wait;
  };
  const little = (name: string) => together(turns.untilLittleTime(), name);
  const call = (name: string) => together(turns.untilCall(), name);
  const names = (what: string, count: number) => Array.from({ length: count }, (_, at) => `${what} ${at}`);
  const parties = new Set(names("little", 48).map(little));
  assert.equal(parties.size, 3, "three times 16");
  waiter(turns, resumed, "much");
  parties.add(little("little 48"));
  assert.equal(parties.size, 4, "behind somebody who is resumed alone");
  for (const name of names("call", 6)) parties.add(call(name));
  assert.equal(parties.size, 6, "four, and two that would have room for others");
  parties.add(little("little 49"));
  parties.add(call("call 6"));
  assert.equal(parties.size, 8, "not with others than its like, nor before them");
  assert.equal(loop.callbacks.length, 2, "one for the turn, and one for those who wait");
  await loop.turn();
  const all = [...names("little", 48), "much", "little 48", ...names("call", 6), "little 49", "call 6"];
  assert.deepEqual(resumed, all);
  // In a turn with time nobody waits.
  assert.ok(turns.hasTime());
  await call("call 7");
  assert.equal(loop.callbacks.length, 1, "one for the turn");
});

test("who comes when others are resumed waits for a moment of its own", async () => {
  const { loop, turns } = spent();
  const resumed: number[] = [];
  const again = (at: number): void => void turns.untilLittleTime().then(() => {
    resumed.push(at);
    // Two of them use up the turn.
    loop.time += 1.2;
    if (at < 3) again(at + 3);
  });
  for (let at = 0; at < 3; at += 1) again(at);
  await loop.turn();
  assert.deepEqual(resumed, [0, 1, 2]);
  await loop.turn();
  assert.deepEqual(resumed, [0, 1, 2, 3, 4, 5]);
});

test("who waits to do little long behind one whose turn was dropped whole asks anew", async () => {
  const { loop, turns } = spent();
  const resumed: string[] = [];
  void turns.untilLittleTime().then(() => resumed.push("a"));
  // Its microtasks, too: that of the turn itself does not run either.
  loop.drop();
  loop.time += 60_000;
  void turns.untilLittleTime().then(() => resumed.push("b"));
  assert.equal(loop.callbacks.length, 1);
  await loop.turn();
  assert.deepEqual(resumed, ["a", "b"]);
});

test("who does little has more of a turn where nobody does more", async () => {
  const loop = new Loop();
  const turns = new Turns(loop);
  assert.ok(turns.hasLittleTime());
  loop.time += 1.5;
  assert.ok(turns.hasLittleTime());
  assert.ok(!turns.hasTime());
  assert.ok(!turns.hasLittleTime(), "somebody else is there, too");
  await loop.turn();
  assert.ok(turns.hasLittleTime());
  loop.time += SPENT_MS;
  assert.ok(!turns.hasLittleTime());
});

test("who waits to do little behind one whose callback was dropped asks anew", async () => {
  const { loop, turns } = spent();
  const resumed: string[] = [];
  void turns.untilLittleTime().then(() => resumed.push("a"));
  await undefined;
  loop.drop();
  void turns.untilLittleTime().then(() => resumed.push("b"));
  assert.equal(loop.callbacks.length, 1);
  await loop.turn();
  assert.deepEqual(resumed, ["a", "b"]);
});
