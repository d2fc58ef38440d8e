import { type ErrorFacts, LarderError } from "../errors.js";
import type { Entry, EntryInfo } from "../kv.js";
import { fromBase64 } from "./base64.js";
import { readLongJson } from "./json.js";
import { type Failure, failureOf, isProblem } from "./problem.js";

/** An entry as documents have it, an absent key, or why there is none. */
export interface Item {
  key?: string;
  value?: string;
  version?: string;
  ttlMillis?: number;
  absent?: boolean;
  error?: unknown;
}

/** A document whose items are in a list, as batches answer, and pages that are no lines. */
export interface Items {
  items: Item[];
}

/** Reads such a document; undefined if it is none. */
export async function readItems(body: Uint8Array): Promise<Items | undefined> {
  const document = await readLongJson(body);
  const items = (document as Partial<Items> | undefined)?.items;
  return Array.isArray(items) && items.every((item) => typeof item === "object" && item !== null)
    ? (document as Items)
    : undefined;
}

/** What an item says of an entry, without its value. */
export function infoOf(item: Item): EntryInfo | undefined {
  if (typeof item.key !== "string" || typeof item.version !== "string") return undefined;
  return { key: item.key, version: item.version, ttlMs: item.ttlMillis };
}

/** The entry of an item, whose value is base64. */
export function entryOf(item: Item): Entry | undefined {
  const info = infoOf(item);
  const value = typeof item.value === "string" ? fromBase64(item.value) : undefined;
  return info === undefined || value === undefined ? undefined : { ...info, value };
}

/** The failure that stands in an item's place. */
export function failureIn(item: Item): Failure | undefined {
  return isProblem(item.error) ? failureOf(item.error) : undefined;
}

/** The error that a failure is to who called. */
export function errorBy({ kind, message, cause }: Failure, facts: ErrorFacts): LarderError {
  return new LarderError(kind, message, { ...facts, cause });
}

/** The error that stands in the place of an item that was read. */
export function errorOf(item: Item, facts: ErrorFacts): LarderError | undefined {
  const failure = failureIn(item);
  return failure && errorBy(failure, { ...facts, key: item.key ?? facts.key });
}
