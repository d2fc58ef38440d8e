import { checkResourceId } from "../check/id.js";
import { checkOptions } from "../check/options.js";
import { invalid } from "../errors.js";
import { Handle } from "../handle.js";
import type { Kv } from "../kv.js";
import { loadAddon } from "./addon.js";
import { thrownBy } from "./failure.js";
import { NativeTransport } from "./transport.js";

/** Where a store is, if not where the environment says. */
export interface LoadOptions {
  /**
   * The binding: an object such as `{ service: "local-kv", dataDir: "…" }`, its text, or a URL such as
   * `local-kv:///dir`. `docs/bindings.md` has all of them.
   */
  binding?: string | object | undefined;
}

/**
 * Opens the store that a resource id is bound to.
 *
 * ```ts
 * const cache = await kv("cache")
 * await cache.set("user:123", { name: "Alice", plan: "pro" })
 * const user = await cache.getJson("user:123")
 * ```
 *
 * The binding of `cache` is found in the variable `LARDER_CACHE_BINDING`, else in `ALIEN_CACHE_BINDING`, else in the file
 * that `LARDER_BINDINGS` names. The store is opened in this process, once for all handles on it; one behind a gateway is
 * reached by the addon's own client, which finds out what became of a write whose reply was lost.
 *
 * @param id 1 to 64 characters of `A-Z a-z 0-9 - _`.
 * @throws `InvalidInput` for another id, `NotConfigured` without a binding or with a malformed one, `Unsupported` where
 * there is no addon for the platform; otherwise what keeps the store from opening.
 */
export async function kv(id: string, options?: LoadOptions): Promise<Kv> {
  checkResourceId(id);
  const binding = textOf(options);
  const addon = loadAddon();
  try {
    return new Handle(id, new NativeTransport(addon, await addon.open(id, binding)));
  } catch (exception) {
    throw thrownBy(exception);
  }
}

function textOf(options: LoadOptions | undefined): string | undefined {
  const { binding } = checkOptions(options, "binding");
  if (binding === undefined || typeof binding === "string") return binding;
  if (typeof binding !== "object" || binding === null) throw invalid("the binding is an object, its text, or a URL");
  return JSON.stringify(binding);
}
