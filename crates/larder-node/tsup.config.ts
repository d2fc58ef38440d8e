import { readFileSync } from "node:fs";

import { defineConfig } from "tsup";

import { addons } from "./scripts/addon.mjs";

const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };

export default defineConfig({
  entry: { index: "ts/index.ts", http: "ts/http.ts", client: "ts/client.ts", stack: "ts/stack.ts" },
  format: ["esm", "cjs"],
  target: "es2022",
  platform: "node",
  // What the entries have in common is there once: errors of one are errors of the other.
  splitting: true,
  dts: true,
  clean: true,
  removeNodeProtocol: false,
  define: { __VERSION__: JSON.stringify(version), __ADDONS__: JSON.stringify(addons()) },
  esbuildOptions(options, { format }) {
    // The CommonJS form has a file name instead.
    if (format === "cjs") options.define = { ...options.define, "import.meta.url": "undefined" };
  },
});
