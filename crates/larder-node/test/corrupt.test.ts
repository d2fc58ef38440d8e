// Records that cannot be decoded, in a table of DynamoDB: over both transports.

import assert from "node:assert/strict";
import { after, describe, test } from "node:test";

import { kv } from "@larder/kv";
import { createClient } from "@larder/kv/client";
import { kv as httpKv, type Kv, valuesOf } from "@larder/kv/http";
import { equal, rejects } from "./suite/check.js";
import { Gateway, larder, required } from "./support/program.js";
import { make } from "./support/stores.js";

type Item = Record<string, Record<string, string>>;

describe("records that cannot be decoded", async () => {
  const { id, cwd, env } = await make("dynamodb");
  const url = required("LARDER_EMULATOR_DYNOXIDE");
  const plan = await larder(
    ["plan", "-o", "json", "--platform", "aws", "--region", "eu-central-1", "--endpoint-url", url], cwd, env,
  );
  const [{ name: table }] = JSON.parse(plan) as [{ name: string }];
  const gateway = await Gateway.start(["--binding", id], cwd, env);
  Object.assign(process.env, env);
  const native = await kv(id);
  after(async () => {
    await native[Symbol.asyncDispose]();
    await gateway.stop();
  });
  const stores: [string, Kv][] = [["in this process", native], ["over HTTP", await httpKv(id, { url: gateway.url })]];

  /** Asks the table itself. */
  async function ask(operation: string, request: object): Promise<{ Items?: Item[] }> {
    const response = await fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/x-amz-json-1.0",
        "x-amz-target": `DynamoDB_20120810.${operation}`,
        // The emulator wants one, and does not look at it.
        authorization: "AWS4-HMAC-SHA256 Credential=test/20260101/eu-central-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
        "x-amz-date": "20260101T000000Z",
      },
      body: JSON.stringify({ TableName: table, ...request }),
    });
    assert.equal(response.status, 200, await response.clone().text());
    return (await response.json()) as { Items?: Item[] };
  }

  for (const [name, store] of stores) {
    test(`are never passed over in silence, ${name}`, async () => {
      const [a, b, c] = ["a", "b", "c"].map((key) => `${name.length}:${key}`) as [string, string, string];
      const prefix = `${name.length}:`;
      valuesOf(await store.setMany([[a, "x"], [b, "x"], [c, "x"]]));
      const { Items = [] } = await ask("Scan", {});
      const item = Items.find(({ sk }) => sk?.["S"] === b);
      await ask("PutItem", { Item: { ...item, v: { BOOL: true } } });

      const error = await rejects(store.get(b), "Corrupt");
      assert.equal(error.key, b);
      const page = await store.scanPage(prefix);
      assert.deepEqual(page.items.map(({ key }) => key), [a, c]);
      assert.deepEqual(page.errors.map(({ kind, key }) => [kind, key]), [["Corrupt", b]]);
      const plain = await createClient({ baseUrl: gateway.url }).database.scanData({ prefix });
      assert.ok(plain.ok);
      assert.deepEqual(plain.val.items.map(({ key, error }) => [key, error?.error]), [
        [a, undefined], [b, "CORRUPT"], [c, undefined],
      ]);
      const told: unknown[] = [];
      const seen: string[] = [];
      for await (const { key } of store.scan(prefix, { onCorrupt: ({ key }) => told.push(key) })) seen.push(key);
      assert.deepEqual([seen, told], [[a, c], [b]]);
      const throwing = (async () => {
        for await (const entry of store.scan(prefix)) void entry;
      })();
      await rejects(throwing, "Corrupt");
      const [first, second] = await store.getMany([a, b]);
      assert.deepEqual([first?.status, second?.status], ["fulfilled", "rejected"]);
      assert.equal((second as PromiseRejectedResult).reason.key, b);
      assert.throws(() => valuesOf([second as PromiseRejectedResult]), { kind: "Corrupt" });
      // A put without a condition mends it.
      assert.equal(await store.set(b, "mended"), true);
      equal(await store.getText(b), "mended");
    });
  }
});
