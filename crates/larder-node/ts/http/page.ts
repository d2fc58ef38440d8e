import type { LarderError } from "../errors.js";
import type { Page } from "../kv.js";
import { untilTime } from "../turn.js";
import type { Reply } from "./attempt.js";
import { type Item, readItems } from "./items.js";
import { readJson } from "./json.js";

/** How pages are asked for: in lines, of which each is parsed by itself, and the last says that all are there. */
export const PAGE_TYPE = "application/x-ndjson";

const LINE_BREAK = 10;

/** The last line of a page. */
interface End {
  complete?: unknown;
  entries?: unknown;
  failed?: unknown;
  cursor?: unknown;
}

/** How items are read: an entry, or the error that stands in its place. */
export interface Reading<T> {
  entryOf: (item: Item) => T | undefined;
  errorOf: (item: Item) => LarderError | undefined;
}

/** Reads a page; undefined if the reply is none, or is not all of one. */
export async function readPage<T>({ headers, body }: Reply, reading: Reading<T>): Promise<Page<T> | undefined> {
  return isDocument(headers) ? await readDocument(body, reading) : await readLines(body, reading);
}

/** A gateway that knows no lines, and one behind a proxy that asks for something else, answers with one document. */
function isDocument(headers: Headers): boolean {
  return /^application\/json\s*(?:;|$)/i.test(headers.get("content-type")?.trim() ?? "");
}

/** A document is whole, or no JSON. */
async function readDocument<T>(body: Uint8Array, reading: Reading<T>): Promise<Page<T> | undefined> {
  await untilTime();
  const document: { items: Item[]; cursor?: unknown } | undefined = await readItems(body);
  if (document === undefined || !isCursor(document.cursor)) return undefined;
  const page = emptyPage<T>();
  page.cursor = document.cursor ?? undefined;
  for (const item of document.items) {
    await untilTime();
    if (!take(item, page, reading)) return undefined;
  }
  return page;
}

/** A line of JSON for each item. Without the last line, or without as many items as that says, it is not all of a page. */
async function readLines<T>(body: Uint8Array, reading: Reading<T>): Promise<Page<T> | undefined> {
  const page = emptyPage<T>();
  let hasEnded = false;
  for (const line of linesOf(body)) {
    await untilTime();
    const document = readJson(line);
    if (hasEnded || typeof document !== "object" || document === null) return undefined;
    if ("complete" in document) {
      if (!isEndOf(page, document)) return undefined;
      page.cursor = document.cursor ?? undefined;
      hasEnded = true;
    } else if (!take(document, page, reading)) {
      return undefined;
    }
  }
  return hasEnded ? page : undefined;
}

function emptyPage<T>(): Page<T> {
  return { items: [], errors: [], cursor: undefined };
}

/** Puts an item to the page; false if it is none. */
function take<T>(item: Item, page: Page<T>, { entryOf, errorOf }: Reading<T>): boolean {
  const error = errorOf(item);
  if (error !== undefined) {
    page.errors.push(error);
    return true;
  }
  const found = entryOf(item);
  if (found === undefined) return false;
  page.items.push(found);
  return true;
}

function isEndOf({ items, errors }: Page<unknown>, end: End): end is { cursor: string | null } {
  const { complete, entries, failed, cursor } = end;
  return complete === true && entries === items.length && failed === errors.length && isCursor(cursor);
}

function isCursor(cursor: unknown): cursor is string | null {
  return cursor === null || typeof cursor === "string";
}

function* linesOf(body: Uint8Array): Generator<Uint8Array> {
  for (let from = 0; from < body.byteLength; ) {
    const found = body.indexOf(LINE_BREAK, from);
    const to = found === -1 ? body.byteLength : found;
    yield body.subarray(from, to);
    from = to + 1;
  }
}
