import type { LarderError } from "./errors.js";
import type { Page } from "./kv.js";
import type { PageRequest } from "./transport.js";

const FIRST_PAGE = 32;
const SMALLEST_PAGE = 16;
const LARGEST_PAGE = 1_000;
/** As much as is decoded in one go without stopping the event loop for long. */
const PAGE_BYTES = 512 * 1024;

/** A scan whose arguments have been checked. */
export interface Scan<T> {
  readPage: (request: PageRequest) => Promise<Page<T>>;
  bytesOf: (item: T) => number;
  most: number;
  onCorrupt: ((error: LarderError) => void) | undefined;
  signal: AbortSignal | undefined;
}

/**
 * The items of a scan, one after the other. It is begun, and its arguments are checked, when the first is asked for.
 *
 * A page is read when the one before it is half used, so that it is mostly there when it is needed. None is read after the
 * loop was left, and never more than one ahead. The first page is small, so that whoever wants one entry does not wait for a
 * thousand; the others are as large as their bytes allow.
 */
export async function* items<T>(begin: () => Scan<T>): AsyncGenerator<T, void, undefined> {
  const { readPage, bytesOf, most, onCorrupt, signal } = begin();
  let left = most;
  let limit = Math.min(FIRST_PAGE, left);
  let reading: Promise<Page<T>> | undefined = readPage({ limit, cursor: undefined });
  while (reading !== undefined) {
    const page: Page<T> = await reading;
    reading = undefined;
    left -= page.items.length;
    limit = Math.min(nextLimit(limit, page.items, bytesOf), left);
    const hasMore = page.cursor !== undefined && left > 0;
    const request = { limit, cursor: page.cursor };
    const middle = page.items.length >> 1;
    for (const [at, item] of page.items.entries()) {
      if (hasMore && at === middle) {
        reading = readPage(request);
        // Whoever leaves the loop now does not wait for it, and its failure is nobody's.
        reading.catch(() => {});
      }
      // What was read before the signal spoke is not given after it.
      signal?.throwIfAborted();
      // Not yield*, which makes several promises more for each item.
      yield item;
    }
    // The last item may have been given before, and the loop has not come to its end by itself.
    signal?.throwIfAborted();
    for (const error of page.errors) {
      if (onCorrupt === undefined) throw error;
      onCorrupt(error);
    }
    if (hasMore) reading ??= readPage(request);
  }
}

function nextLimit<T>(limit: number, read: readonly T[], bytesOf: (item: T) => number): number {
  if (read.length === 0) return limit;
  const bytes = read.reduce((sum, item) => sum + bytesOf(item), 0);
  const fitting = Math.floor((PAGE_BYTES * read.length) / Math.max(bytes, 1));
  return Math.min(Math.max(fitting, SMALLEST_PAGE), LARGEST_PAGE);
}
