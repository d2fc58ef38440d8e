// Packs what is published, into build/packages: the package, with the addons that it may need at its own exact version,
// and this platform's addon. Other platforms' are packed where they are built.

import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { root, run, target } from "./addon.mjs";

const staging = join(root, "build/staging");
const packages = join(root, "build/packages");
const read = (path) => JSON.parse(readFileSync(path, "utf8"));
const write = (path, document) => writeFileSync(path, `${JSON.stringify(document, undefined, 2)}\n`);

for (const folder of [staging, packages]) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
}

// Not in the manifest of the clone: `npm ci` would look for packages there that this very version makes.
const manifest = read(join(root, "package.json"));
delete manifest.devDependencies;
delete manifest.scripts;
manifest.optionalDependencies = {};
for (const name of readdirSync(join(root, "npm"))) {
  const addon = read(join(root, "npm", name, "package.json"));
  if (addon.version !== manifest.version) throw new Error(`${addon.name} is of version ${addon.version}`);
  manifest.optionalDependencies[addon.name] = manifest.version;
}

const own = join(staging, "kv");
mkdirSync(own);
cpSync(join(root, "dist"), join(own, "dist"), { recursive: true });
copyFileSync(join(root, "README.md"), join(own, "README.md"));
write(join(own, "package.json"), manifest);

const addon = join(staging, target());
cpSync(join(root, "npm", target()), addon, { recursive: true });
copyFileSync(join(root, `larder-kv.${target()}.node`), join(addon, `larder-kv.${target()}.node`));

for (const folder of [own, addon]) run("npm", ["pack", "--silent", "--pack-destination", packages], folder);
