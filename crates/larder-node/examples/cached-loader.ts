// A cache before something slow: what was loaded is kept for a while, and many who ask at once load it once.

import type { Kv } from "@larder/kv";

/** How to keep what was loaded. */
export interface CacheOptions {
  /** What keys begin with. */
  prefix: string;
  /** How long it is kept, in milliseconds. */
  ttlMs: number;
}

/**
 * Loads by id, from the cache where it is there.
 *
 * A cache that fails must not stop who could do without: the source is asked then.
 */
export function cachedLoader<T extends object>(
  kv: Kv,
  load: (id: string) => Promise<T>,
  { prefix, ttlMs }: CacheOptions,
): (id: string) => Promise<T> {
  const loading = new Map<string, Promise<T>>();

  async function loadAndKeep(id: string): Promise<T> {
    const key = `${prefix}:${id}`;
    const cached = await kv.getJson<T>(key).catch(() => undefined);
    if (cached !== undefined) return cached;
    const loaded = await load(id);
    await kv.set(key, loaded, { ttlMs }).catch(() => false);
    return loaded;
  }

  return (id) => {
    const running = loading.get(id) ?? loadAndKeep(id).finally(() => loading.delete(id));
    loading.set(id, running);
    return running;
  };
}
