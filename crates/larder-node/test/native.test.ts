// The suite on the addon: every store, found by the bindings that `larder up` wrote.

import { after, describe, test } from "node:test";

import { type Kv, kv } from "@larder/kv";
import { cases, run } from "./suite/index.js";
import { ALL_PLATFORMS, make } from "./support/stores.js";

for (const platform of ALL_PLATFORMS) {
  describe(`in this process, on ${platform}`, async () => {
    const { id, env } = await make(platform);
    const open = async (): Promise<Kv> => {
      Object.assign(process.env, env);
      return await kv(id);
    };
    const store = await open();
    after(() => store[Symbol.asyncDispose]());
    for (const one of cases) test(one.name, () => run(one, store, open));
  });
}
