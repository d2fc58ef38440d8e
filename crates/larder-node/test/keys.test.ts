// A gateway that asks for API keys.

import assert from "node:assert/strict";
import { after, describe, test } from "node:test";

import { createClient } from "@larder/kv/client";
import { kv } from "@larder/kv/http";
import { rejects } from "./suite/check.js";
import { Gateway, larder } from "./support/program.js";
import { make } from "./support/stores.js";

describe("a gateway with keys", async () => {
  const { id, cwd, env } = await make("embedded");
  const create = async (...args: string[]) =>
    (await larder(["keys", "create", "--binding", id, ...args], cwd, env)).split("\n")[0] as string;
  const whole = await create("--allow", "read,write,delete,scan");
  const reader = await create("--allow", "read", "--namespace", "tenant-1");
  const gateway = await Gateway.start(["--binding", id], cwd, env);
  after(() => gateway.stop());
  const open = (apiKey?: string) => kv(id, { url: gateway.url, apiKey });

  test("a key lets in, to what it allows", async () => {
    const all = await open(whole);
    await all.set("tenant-1:k", "theirs");
    await all.set("k", "ours");
    const tenant = await open(reader);
    assert.equal(await tenant.getText("k"), "theirs");
    await rejects(tenant.set("k", "x"), "Unauthorized");
    await rejects(tenant.scanPage(""), "Unauthorized");
    assert.equal(await all.getText("tenant-1:k"), "theirs");
  });

  test("no key, or a wrong one, is refused, and is in no message", async () => {
    for (const key of [undefined, `${whole.slice(0, -4)}AAAA`]) {
      const error = await rejects((await open(key)).get("k"), "Unauthorized");
      assert.ok(!`${error.message} ${error.stack}`.includes(whole.slice(10)), error.message);
    }
    const refused = await createClient({ baseUrl: gateway.url }).database.scanData({ key: "k" });
    assert.ok(!refused.ok && refused.val.statusCode === 401 && refused.val.error === "UNAUTHORIZED");
    const let_in = await createClient({ baseUrl: gateway.url, apiKey: whole }).database.scanData({ key: "k" });
    assert.ok(let_in.ok);
  });
});
