// The addon: where it is built, and under which name it is found.

import { spawnSync } from "node:child_process";
import { copyFileSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const workspace = resolve(root, "../..");

const LIBRARIES = { darwin: "liblarder_node.dylib", win32: "larder_node.dll" };

/** The name of each platform's addon: those that have a manifest in the folder `npm`. */
export function addons() {
  const names = readdirSync(join(root, "npm"));
  return Object.fromEntries(names.map((name) => {
    const { os, cpu } = JSON.parse(readFileSync(join(root, "npm", name, "package.json"), "utf8"));
    return [`${os[0]}-${cpu[0]}`, name];
  }));
}

/** The name of this platform's addon. */
export function target() {
  const platform = `${process.platform}-${process.arch}`;
  const name = addons()[platform];
  if (name === undefined) throw new Error(`there is no addon for ${platform}`);
  return name;
}

/** Runs cargo in the workspace, to its end; returns the folder of what it built. */
export function cargo(packages, profile) {
  const given = packages.flatMap((name) => ["--package", name]);
  run(process.env.CARGO ?? "cargo", ["build", ...given, ...(profile === "release" ? ["--release"] : [])], workspace);
  const folder = process.env.CARGO_TARGET_DIR ?? join(workspace, "target");
  return join(resolve(workspace, folder), profile === "release" ? "release" : "debug");
}

/** Builds the addon, unless LARDER_ADDON names one, and puts it where the package looks for it in a clone. */
export function buildAddon(profile) {
  const library = LIBRARIES[process.platform] ?? "liblarder_node.so";
  const built = process.env.LARDER_ADDON ?? join(cargo(["larder-node"], profile), library);
  const addon = join(root, `larder-kv.${target()}.node`);
  // Renamed into its place: a process that has the old one loaded keeps it.
  copyFileSync(built, `${addon}.new`);
  renameSync(`${addon}.new`, addon);
  return addon;
}

/** Runs a program to its end; throws if it fails. */
export function run(program, args, cwd = root, env = process.env) {
  const { status, error } = spawnSync(program, args, { cwd, env, stdio: "inherit", shell: process.platform === "win32" });
  if (error) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${status}`);
}
