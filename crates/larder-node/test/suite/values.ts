import type { Case } from "./case.js";
import { equal, ok, rejects } from "./check.js";

export const values: Case[] = [
  {
    name: "bytes come back as they were, of every length",
    async run({ kv, own }) {
      for (const bytes of [new Uint8Array(0), Uint8Array.from({ length: 256 }, (_, at) => at), new Uint8Array(24_576).fill(7)]) {
        ok(await kv.set(own("bytes"), bytes), "it is stored");
        const read = await kv.get(own("bytes"));
        equal(read, bytes);
        // Of this very type, and not Node's Buffer: what works on one transport works on the other.
        ok(read?.constructor === Uint8Array, "it is a Uint8Array");
        equal((await kv.entry(own("bytes")))?.value, bytes);
      }
    },
  },
  {
    name: "a part of an array is stored, and no more of it; what is done to it afterwards changes nothing",
    async run({ kv, own }) {
      const whole = Uint8Array.from([1, 2, 3, 4, 5]);
      const stored = kv.set(own("part"), whole.subarray(1, 4));
      whole.fill(9);
      await stored;
      equal(await kv.get(own("part")), Uint8Array.from([2, 3, 4]));
    },
  },
  {
    name: "text is stored as text and everything else as JSON",
    async run({ kv, own }) {
      await kv.set(own("text"), "grüße 🥫");
      equal(await kv.getText(own("text")), "grüße 🥫");
      equal((await kv.get(own("text")))?.byteLength, 12);
      for (const value of [{ name: "Alice", list: [1, null] }, [1, "2"], 42, true, null, new Date(0)]) {
        await kv.set(own("json"), value);
        equal(await kv.getJson(own("json")), JSON.parse(JSON.stringify(value)));
      }
      await kv.set(own("empty"), "");
      equal(await kv.getText(own("empty")), "");
    },
  },
  {
    name: "what is not there is undefined",
    async run({ kv, own }) {
      const key = own("absent");
      equal(await kv.get(key), undefined);
      equal(await kv.getText(key), undefined);
      equal(await kv.getJson(key), undefined);
      equal(await kv.entry(key), undefined);
      equal(await kv.exists(key), false);
      equal(await kv.delete(key), true);
      equal(await kv.touch(key, 1_000), { touched: false, reason: "absent" });
    },
  },
  {
    name: "a value that is not of the form asked for is Corrupt, and the error does not show it",
    async run({ kv, own }) {
      await kv.set(own("text"), "hunter2 is no JSON");
      const error = await rejects(kv.getJson(own("text")), "Corrupt");
      ok(!`${error.stack} ${JSON.stringify(error)}`.includes("hunter2"), "the value is not shown");
      equal(error.key, own("text"));
      await kv.set(own("bytes"), Uint8Array.from([0xff, 0xfe]));
      await rejects(kv.getText(own("bytes")), "Corrupt");
      await rejects(kv.getJson(own("bytes")), "Corrupt");
    },
  },
  {
    name: "any text is a key",
    async run({ kv, own }) {
      for (const name of ["a/b", "é🥫", "?#&=+% %2F", "..", ".", "__x__", "a'b\"c", "\u0000\n", "~41", "!layout"]) {
        const key = own(name);
        await kv.set(key, name);
        equal(await kv.getText(key), name);
        equal((await kv.scanPage(key)).items.map((entry) => entry.key), [key]);
        equal(await kv.exists(key), true);
        equal(await kv.delete(key), true);
        equal(await kv.get(key), undefined);
      }
    },
  },
];
