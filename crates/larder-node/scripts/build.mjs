// Builds the addon and the package: `npm run build`, or `npm run build -- --release`.

import { buildAddon, run } from "./addon.mjs";

buildAddon(process.argv.includes("--release") ? "release" : "debug");
run("npx", ["tsup", "--silent"]);
