import type { Call } from "../http/attempt.js";
import { readLongJson } from "../http/json.js";
import type { Failure } from "../http/problem.js";
import type { Effect, Requester } from "../http/requester.js";
import type { ClientError, Result } from "./result.js";

/** What to store. */
export interface PutData {
  /** The key. */
  key: string;
  /** The value: whatever JSON can say. */
  value: unknown;
  /** How long it lives, in seconds; for ever unless told. */
  ttl?: number | undefined;
  /** Stores only if the key is absent. */
  ifNotExists?: boolean | undefined;
}

/** What was stored. */
export interface DataPut {
  /** The key. */
  key: string;
  /** Whether the value was stored: false when `ifNotExists` was asked for and the key was there. */
  stored: boolean;
}

/** Which entry to retrieve. */
export interface ScanKey {
  /** The key. */
  key: string;
}

/** Which entries to retrieve. */
export interface ScanPrefix {
  /** What their keys begin with. */
  prefix: string;
  /** Where to go on: the `cursor` of the page before. */
  cursor?: string | null | undefined;
  /** The most entries, 1 to 1,000; 100 unless told. */
  limit?: number | undefined;
}

/** An entry. Nothing checks that its value is a `T`. */
export interface DataEntry<T> {
  /** The key. */
  key: string;
  /** The value; a string of base64 where it is not JSON, and then `encoding` says so. */
  value: T;
  /** How the value is written, if it is not JSON. */
  encoding?: "base64";
  /** When the entry expires, as RFC 3339; not there for one that stays. */
  expiresAt?: string;
  /**
   * Why there is no value, in a page: the record is damaged, and a put or a delete of its key mends it. Such an item has
   * nothing else but its key, where that is known.
   */
  error?: ClientError;
}

/** Some entries, in key order. */
export interface DataPage<T> {
  /** The entries. */
  items: DataEntry<T>[];
  /** Where to go on; null at the end. */
  cursor: string | null;
}

/** Which script to run. */
export interface RunScript {
  /** Its name. */
  script: string;
  /** What it is given: whatever JSON can say. */
  input?: unknown;
}

const DATA = "/v1/operations/data";
const SCRIPTS = "/v1/operations/scripts";

/** The gateway's plain API. No call throws or rejects because of what the gateway or the network does. */
export class Database {
  readonly #requester: Requester;

  /** @internal */
  constructor(requester: Requester) {
    this.#requester = requester;
  }

  /** Stores data with a key. */
  async putData(data: PutData): Promise<Result<DataPut>> {
    let wrong: Refusal | undefined;
    let effect: Effect;
    try {
      wrong = whyNot(data);
      effect = data?.ifNotExists ? "once" : "repeatable";
    } catch {
      return refused(UNWRITABLE);
    }
    if (wrong !== undefined) return refused(`${wrong.field}: ${wrong.error}`, wrong);
    return await this.#post(DATA, data, effect);
  }

  /** Retrieves data by its key; `NOT_FOUND` if it is not there. */
  async scanData<T = any>(wanted: ScanKey): Promise<Result<DataEntry<T>>>;
  /** Retrieves a page of data by a prefix of its keys. */
  async scanData<T = any>(wanted: ScanPrefix): Promise<Result<DataPage<T>>>;
  async scanData(wanted: ScanKey | ScanPrefix): Promise<Result<unknown>> {
    return await this.#query("GET", wanted, "read");
  }

  /** Deletes data by its key. It succeeds also if there is none. */
  async deleteData(unwanted: ScanKey): Promise<Result<{ key: string }>> {
    return await this.#query("DELETE", unwanted, "repeatable");
  }

  /** Runs a serverless script; `val` is what it returned. It is never run again by itself. */
  async runScript<T = any>(script: RunScript): Promise<Result<T>> {
    return await this.#post(SCRIPTS, script, "once");
  }

  async #query<T>(method: "GET" | "DELETE", parameters: object, effect: Effect): Promise<Result<T>> {
    let query: string;
    try {
      query = queryOf(parameters);
    } catch {
      return refused("a parameter cannot be written as text: is it no text, or does it have half of a surrogate pair?");
    }
    return await this.#send({ method, path: DATA + query }, effect);
  }

  async #post<T>(path: string, document: unknown, effect: Effect): Promise<Result<T>> {
    let body: string | undefined;
    try {
      body = JSON.stringify(document);
    } catch {
      // The engine's message may quote what is in the document.
    }
    if (body === undefined) return refused(UNWRITABLE);
    return await this.#send({ method: "POST", path, headers: { "content-type": "application/json" }, body }, effect);
  }

  async #send<T>(call: Call, effect: Effect): Promise<Result<T>> {
    const result = await this.#requester.send(call, effect, undefined);
    if ("failure" in result) return { ok: false, val: errorOf(result.failure) };
    const val = await readLongJson(result.reply.body);
    if (val === undefined) {
      const error = effect === "read" ? "NETWORK_ERROR" : "AMBIGUOUS";
      const message = "the reply is none of a Larder gateway's: does something else answer there?";
      return { ok: false, val: { error, message, statusCode: result.reply.status } };
    }
    return { ok: true, val: val as T };
  }
}

/** What else there is would be the text of no key that anybody means, as `[object Object]`. */
function textOf(value: unknown): string {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return `${value}`;
  throw new TypeError("it is no text");
}

const UNWRITABLE = "the request cannot be written as JSON: does it hold a bigint, or itself?";

/** What JSON would turn into something else without a word: an entry must not stay for ever because of that. */
function whyNot(data: PutData): Refusal | undefined {
  const { ttl, value } = data ?? {};
  // Null is how JSON says that there is none.
  if (ttl !== undefined && ttl !== null && (typeof ttl !== "number" || !Number.isFinite(ttl))) {
    return { field: "ttl", error: "must be a number of seconds; leave it out for an entry that stays" };
  }
  if (typeof value === "number" && !Number.isFinite(value)) {
    return { field: "value", error: "is no finite number, which JSON cannot say" };
  }
  return undefined;
}

/** Nulls and undefined parameters are left out: the first page has a cursor of null. */
function queryOf(wanted: object): string {
  const given = Object.entries(wanted ?? {}).filter(([, value]) => value !== undefined && value !== null);
  const query = given.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(textOf(value))}`);
  return query.length === 0 ? "" : `?${query.join("&")}`;
}

/** What is wrong with a field, as the gateway says it. */
interface Refusal {
  field: string;
  error: string;
}

function refused(message: string, ...validationErrors: Refusal[]): { ok: false; val: ClientError } {
  return { ok: false, val: { error: "VALIDATION_ERROR", message, statusCode: 400, validationErrors } };
}

function errorOf({ kind, message, problem, status }: Failure): ClientError {
  if (problem !== undefined) {
    const { error, statusCode, details, validationErrors } = problem;
    const said: ClientError = { error, message: problem.message, statusCode };
    if (details !== undefined) said.details = details;
    if (validationErrors !== undefined) said.validationErrors = validationErrors;
    return said;
  }
  const error = kind === "Ambiguous" ? "AMBIGUOUS" : kind === "Timeout" ? "TIMEOUT" : "NETWORK_ERROR";
  return { error, message, statusCode: status ?? 0 };
}
