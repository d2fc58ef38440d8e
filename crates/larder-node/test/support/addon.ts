// The addon itself, below the package's TypeScript.

import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

/** A store of the addon. */
export type RawStore = Record<string, (this: unknown, ...given: unknown[]) => unknown>;

/** As much of the addon as tests look at. */
export interface RawAddon {
  open(id: string, binding: string): Promise<RawStore>;
  Store: { prototype: RawStore };
}

/** The very one that the package has loaded. */
export function addon(): RawAddon {
  // Where the runner starts tests.
  const root = process.cwd();
  const name = readdirSync(root).find((name) => name.endsWith(".node"));
  if (name === undefined) throw new Error("the addon was not built");
  return createRequire(import.meta.url)(join(root, name)) as RawAddon;
}
