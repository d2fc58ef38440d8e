import { checkResourceId } from "../check/id.js";
import { Handle } from "../handle.js";
import type { Kv } from "../kv.js";
import { Endpoint, type EndpointOptions } from "./endpoint.js";
import { Requester } from "./requester.js";
import { HttpTransport } from "./transport.js";

/**
 * A store behind a Larder gateway, over HTTP: for browsers, edge runtimes, and wherever the addon does not run.
 *
 * ```ts
 * import { kv } from "@larder/kv/http"
 *
 * const cache = await kv("cache", { url: "https://gateway.example", apiKey })
 * await cache.set("user:123", { name: "Alice" }, { ttlMs: 60_000 })
 * ```
 *
 * Nothing is sent before the first call. Reads, and puts and deletes without a condition, are sent again after a reply that
 * was lost. An increment and a write with a condition are not: they reject with `Ambiguous`.
 *
 * @param binding The id that the store has at the gateway: 1 to 64 characters of `A-Z a-z 0-9 - _`.
 * @throws `InvalidInput` for another id, `NotConfigured` for options that cannot be used.
 */
export async function kv(binding: string, options: EndpointOptions): Promise<Kv> {
  const id = checkResourceId(binding);
  return new Handle(id, new HttpTransport(new Requester(new Endpoint(options)), id));
}
