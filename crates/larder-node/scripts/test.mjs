// Checks the types, and runs the tests: `npm test`, or `npm test -- http` for those whose name has that in it.

import { readdirSync } from "node:fs";
import { join } from "node:path";

import { cargo, root, run } from "./addon.mjs";

const [only = ""] = process.argv.slice(2);

run("npx", ["tsc", "--project", "tsconfig.json"]);
run("npx", ["tsc", "--project", "tsconfig.edge.json"]);
run("npx", ["tsup", "--config", "tsup.tests.ts", "--silent"]);

const program = process.env.LARDER_PROGRAM ?? join(cargo(["larder-cli"], "debug"), "larder");
const folder = join(root, "build/test");
const tests = readdirSync(folder).filter((name) => name.endsWith(".test.js") && name.includes(only));
const paths = tests.map((name) => join(folder, name));
const node = [process.execPath, "--test", "--test-timeout=600000", "--test-reporter=spec", ...paths];
// Started for these tests and stopped behind them, unless they run already: `eval "$(cargo xtask emulators up)"`.
const within = process.env.LARDER_EMULATOR_AZURITE ? [] : [process.env.CARGO ?? "cargo", "xtask", "emulators", "run", "--"];
const [first, ...others] = [...within, ...node];
run(first, others, root, { ...process.env, LARDER_PROGRAM: program });
