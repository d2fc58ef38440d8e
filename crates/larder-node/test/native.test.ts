// The suite on the addon: every store, found by the bindings that `larder up` wrote.

import { after, describe, test } from "node:test";

import { type Kv, kv } from "@larder/kv";
import { cases, run } from "./suite/index.js";
import { ALL_PLATFORMS, make } from "./support/stores.js";

/** The stores open one after the other: the platforms' suites begin at once, and have one environment. */
let opened: Promise<unknown> = Promise.resolve();

for (const platform of ALL_PLATFORMS) {
  describe(`in this process, on ${platform}`, async () => {
    const { id, env } = await make(platform);
    const open = (): Promise<Kv> => {
      const opening = opened.then(async () => {
        Object.assign(process.env, env);
        return await kv(id);
      });
      opened = opening.catch(() => {});
      return opening;
    };
    const store = await open();
    after(() => store[Symbol.asyncDispose]());
    for (const one of cases) test(one.name, () => run(one, store, open));
  });
}
