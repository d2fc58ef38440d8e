import type { LarderError } from "../errors.js";
import type { Page } from "../kv.js";
import { untilTime } from "../turn.js";
import { type Item, readJson } from "./items.js";

/** How pages are asked for. As a document, a large one would be parsed in one go, and stop the event loop as long as that. */
export const PAGE_TYPE = "application/x-ndjson";

const LINE_BREAK = 10;

/** The last line of a page. */
interface End {
  complete?: unknown;
  entries?: unknown;
  failed?: unknown;
  cursor?: unknown;
}

/**
 * Reads a page that has a line of JSON for each item: its entry, or the error that stands in its place.
 *
 * Undefined if it is none. One without its last line, or without as many items as that says, is not all of a page.
 */
export async function readPage<T>(
  body: Uint8Array,
  read: (item: Item) => T | undefined,
  failureOf: (item: Item) => LarderError | undefined,
): Promise<Page<T> | undefined> {
  const page: Page<T> = { items: [], errors: [], cursor: undefined };
  let hasEnded = false;
  for (const line of linesOf(body)) {
    await untilTime();
    const document = readJson(line);
    if (hasEnded || typeof document !== "object" || document === null) return undefined;
    if ("complete" in document) {
      if (!isEndOf(page, document)) return undefined;
      page.cursor = document.cursor ?? undefined;
      hasEnded = true;
      continue;
    }
    const error = failureOf(document);
    const found = error === undefined ? read(document) : undefined;
    if (error !== undefined) page.errors.push(error);
    else if (found !== undefined) page.items.push(found);
    else return undefined;
  }
  return hasEnded ? page : undefined;
}

function isEndOf({ items, errors }: Page<unknown>, end: End): end is { cursor: string | null } {
  const hasCursor = end.cursor === null || typeof end.cursor === "string";
  return end.complete === true && end.entries === items.length && end.failed === errors.length && hasCursor;
}

function* linesOf(body: Uint8Array): Generator<Uint8Array> {
  for (let from = 0; from < body.byteLength; ) {
    const found = body.indexOf(LINE_BREAK, from);
    const to = found === -1 ? body.byteLength : found;
    yield body.subarray(from, to);
    from = to + 1;
  }
}
