import type { LarderError } from "./errors.js";
import type { Page } from "./kv.js";
import type { PageRequest } from "./transport.js";

const FIRST_PAGE = 32;
const SMALLEST_PAGE = 16;
const LARGEST_PAGE = 1_000;
/** As much as is decoded in one go without stopping the event loop for long. */
const PAGE_BYTES = 512 * 1024;

/**
 * The items of a scan, one after the other. A page is read when it is needed, and none after the loop was left.
 *
 * The first page is small, so that whoever wants one entry does not wait for a thousand; the others are as large as their
 * bytes allow.
 */
export async function* items<T>(
  readPage: (request: PageRequest) => Promise<Page<T>>,
  bytesOf: (item: T) => number,
  most: number,
  onCorrupt: ((error: LarderError) => void) | undefined,
): AsyncGenerator<T, void, undefined> {
  let left = most;
  let limit = FIRST_PAGE;
  let cursor: string | undefined;
  do {
    const page = await readPage({ limit: Math.min(limit, left), cursor });
    yield* page.items;
    for (const error of page.errors) {
      if (onCorrupt === undefined) throw error;
      onCorrupt(error);
    }
    left -= page.items.length;
    limit = nextLimit(limit, page.items, bytesOf);
    cursor = page.cursor;
  } while (cursor !== undefined && left > 0);
}

function nextLimit<T>(limit: number, read: readonly T[], bytesOf: (item: T) => number): number {
  if (read.length === 0) return limit;
  const bytes = read.reduce((sum, item) => sum + bytesOf(item), 0);
  const fitting = Math.floor((PAGE_BYTES * read.length) / Math.max(bytes, 1));
  return Math.min(Math.max(fitting, SMALLEST_PAGE), LARGEST_PAGE);
}
