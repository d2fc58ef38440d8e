import { createRequire } from "node:module";

import { LarderError } from "../errors.js";
import type { Soon } from "../transport.js";

/** Many entries: their facts as JSON, their values one behind the other. All of it is taken once, and in its order. */
export interface Packed {
  /** The next facts, a list of up to 128; null behind the last ones. */
  takeFacts(): string | null;
  /** Where the next page begins; null behind the last one. */
  takeCursor(): string | null;
  /** A copy of the next value, whose length is that of its facts. */
  takeValue(length: number): Uint8Array;
}

/** Ends the one call that it is given to. */
export interface Cancel {
  cancel(): void;
}

/** An open store of the addon. Its exceptions have the parts of an error as their text: see `failure.ts`. */
export interface Store {
  get(key: string, cancel?: Cancel): Soon<Uint8Array | null>;
  entry(key: string, cancel?: Cancel): Soon<{ value: Uint8Array; version: string; ttlMs?: number } | null>;
  exists(key: string, cancel?: Cancel): Soon<boolean>;
  /** `ifVersion` is empty where the key must be absent. */
  put(key: string, value: Uint8Array, ttlMs?: number, ifVersion?: string, cancel?: Cancel): Promise<string | null>;
  delete(key: string, ifVersion?: string, cancel?: Cancel): Promise<boolean>;
  touch(
    key: string,
    ttlMs?: number,
    ifVersion?: string,
    cancel?: Cancel,
  ): Promise<{ version?: string; isThere: boolean }>;
  increment(key: string, delta: string, ttlMs?: number, cancel?: Cancel): Promise<string>;
  page(prefix: string, limit?: number, cursor?: string, cancel?: Cancel): Promise<Packed>;
  keysPage(prefix: string, limit?: number, cursor?: string, cancel?: Cancel): Promise<Packed>;
  getMany(keys: string[], cancel?: Cancel): Promise<Packed>;
  putMany(
    keys: string[],
    values: Uint8Array,
    lengths: number[],
    ttlMs?: number,
    cancel?: Cancel,
  ): Promise<Packed>;
  deleteMany(keys: string[], cancel?: Cancel): Promise<Packed>;
  close(): Promise<void>;
  describe(): string;
}

/** The addon. */
export interface Addon {
  version(): string;
  empty(): Promise<void>;
  open(id: string, binding?: string): Promise<Store>;
  Cancel: new () => Cancel;
}

/** The version of this package, put in by the build. */
declare const __VERSION__: string;

/** The platforms that there is an addon for, and the name of each: those of the folder `npm`, put in by the build. */
declare const __ADDONS__: Readonly<Record<string, string>>;

let loaded: Addon | undefined;

/**
 * The addon, loaded when it is first needed.
 *
 * @throws `Unsupported` where there is none, where it cannot be loaded, and where it is of another version than the package.
 */
export function loadAddon(): Addon {
  loaded ??= checked(load(`${process.platform}-${process.arch}`));
  return loaded;
}

function load(platform: string): Addon {
  const name = __ADDONS__[platform];
  if (name === undefined) {
    const known = Object.values(__ADDONS__).join(", ");
    throw unsupported(`there is no addon for ${platform}, only for ${known}: use @larder/kv/http and a gateway`);
  }
  // The CommonJS form of this file has a name, and no import.meta. Where code comes from no file, as with `node -e`, the name
  // of that is everybody's.
  const require = createRequire((import.meta.url as string | undefined) ?? __filename);
  // In a clone, the one that was built there. Published packages do not have it.
  const places = [`../larder-kv.${name}.node`, `@larder/kv-${name}`];
  const failures: unknown[] = [];
  for (const place of places) {
    try {
      return require(place) as Addon;
    } catch (cause) {
      if ((cause as { code?: unknown }).code !== "MODULE_NOT_FOUND") throw unloadable(name, cause);
      failures.push(cause);
    }
  }
  const advice = `was it left out of the installation (--no-optional), or is node_modules of another platform?`;
  throw unsupported(`the package @larder/kv-${name} is not there: ${advice}`, failures[1]);
}

function unloadable(name: string, cause: unknown): LarderError {
  const needs = name.endsWith("-gnu") ? ": it needs glibc, which not every Linux has" : "";
  return unsupported(`the addon for ${name} cannot be loaded${needs}`, cause);
}

function checked(addon: Addon): Addon {
  const version = addon.version();
  if (version !== __VERSION__) {
    throw unsupported(`the addon is of version ${version}, and the package of ${__VERSION__}: install them together`);
  }
  return addon;
}

function unsupported(message: string, cause?: unknown): LarderError {
  return new LarderError("Unsupported", message, { cause });
}
