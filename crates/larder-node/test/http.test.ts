// The suite over HTTP: a gateway for each store.

import { after, describe, test } from "node:test";

import { kv } from "@larder/kv/http";
import { cases, run } from "./suite/index.js";
import { Gateway } from "./support/program.js";
import { ALL_PLATFORMS, make } from "./support/stores.js";

for (const platform of ALL_PLATFORMS) {
  describe(`over HTTP, on ${platform}`, async () => {
    const { id, cwd, env } = await make(platform);
    const gateway = await Gateway.start(["--binding", id], cwd, env);
    after(() => gateway.stop());
    const open = () => kv(id, { url: gateway.url });
    const store = await open();
    for (const one of cases) test(one.name, () => run(one, store, open));
  });
}
