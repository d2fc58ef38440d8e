import { readdirSync } from "node:fs";

import { defineConfig } from "tsup";

/** The tests, under names that the runner finds. */
function tests(): Record<string, string> {
  const files = readdirSync("test").filter((name) => name.endsWith(".test.ts"));
  return Object.fromEntries(files.map((name) => [`test/${name.slice(0, -3)}`, `test/${name}`]));
}

// The tests import the package by its name, as its users do: what is tested is what was built.
export default defineConfig({
  entry: { ...tests(), "suite/index": "test/suite/index.ts" },
  outDir: "build",
  format: "esm",
  target: "es2022",
  platform: "node",
  splitting: true,
  clean: true,
  removeNodeProtocol: false,
  external: [/^@larder\/kv/, "esbuild", "express", "express-session"],
});
