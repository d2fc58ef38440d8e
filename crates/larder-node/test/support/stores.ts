// The stores that the suite runs on: made by `larder up`, found by the bindings that it writes.

import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { directory, larder, required } from "./program.js";

/** A store of a test's own. */
export interface Made {
  /** What it is bound to. */
  id: string;
  /** Where its bindings are. */
  cwd: string;
  /** The variables by which bindings are found. */
  env: Record<string, string>;
}

/** The account that every Azurite has, and its key, which is no secret. */
const ACCOUNT = "devstoreaccount1";
const KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/** What `larder up` is told for each platform. */
const PLATFORMS = {
  embedded: () => ["--platform", "local"],
  dynamodb: () => [
    "--platform", "aws", "--region", "eu-central-1", "--endpoint-url", required("LARDER_EMULATOR_DYNOXIDE"),
  ],
  firestore: () => [
    "--platform", "gcp", "--project", "larder-tests", "--endpoint-url", required("LARDER_EMULATOR_HIDANE"),
  ],
  tables: () => [
    "--platform", "azure", "--account", ACCOUNT, "--account-key-env", "TABLE_KEY", "--endpoint-url",
    required("LARDER_EMULATOR_AZURITE"),
  ],
} as const;

export type Platform = keyof typeof PLATFORMS;
export const ALL_PLATFORMS = Object.keys(PLATFORMS) as Platform[];

/** Makes a store. */
export async function make(platform: Platform): Promise<Made> {
  const cwd = directory();
  const id = `node-${randomBytes(6).toString("hex")}`;
  const env = {
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    TABLE_KEY: KEY,
    LARDER_BINDINGS: join(cwd, "bindings.toml"),
  };
  writeFileSync(join(cwd, "stack.json"), JSON.stringify({ type: "kv", id, shards: 4 }));
  // Absolute: this process opens it, too.
  const place = platform === "embedded" ? ["--data-dir", join(cwd, "stores")] : [];
  await larder(["up", "--yes", ...PLATFORMS[platform](), ...place], cwd, env);
  return { id, cwd, env };
}
