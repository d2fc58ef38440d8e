import { LarderError } from "../errors.js";
import type { Entry, EntryInfo, Page, PutResult, TouchResult } from "../kv.js";
import type { BatchLimits, Condition, PageRequest, Transport } from "../transport.js";
import { mayGoOn, untilTime } from "../turn.js";
import type { Call, Expiring, Reply } from "./attempt.js";
import { toBase64 } from "./base64.js";
import { entryOf, errorBy, errorOf, failureIn, infoOf, type Item, type Items, readItems } from "./items.js";
import { readJson } from "./json.js";
import { PAGE_TYPE, readPage } from "./page.js";
import type { Failure } from "./problem.js";
import { ambiguous, type Effect, type Requester } from "./requester.js";

const JSON_TYPE = "application/json";
const BYTES_TYPE = "application/octet-stream";

/** A reply, and what is known of the attempts before it. */
type Answer = Reply & { before: "nothing" | "doubt" };

/** A binding of a gateway, through its whole API: `docs/http-api.md`. */
export class HttpTransport implements Transport {
  /**
   * A gateway takes 256 keys and 4 MiB. But the platform encodes a body, copies it and sends it in one go, and takes answers
   * as they come: of what is read, 64 values can be 2 MiB of base64.
   */
  readonly limits: BatchLimits = { reads: 64, writes: 256, bytes: 128 * 1024 };
  /** Connections are the platform's own. */
  readonly hasToClose = false;
  readonly #requester: Requester;
  readonly #binding: string;

  constructor(requester: Requester, binding: string) {
    this.#requester = requester;
    this.#binding = binding;
  }

  turnToGet(): undefined {
    // No answer is at hand.
  }

  async get(key: string, signal: AbortSignal | undefined): Promise<Uint8Array | undefined> {
    return (await this.#entry(key, signal))?.body;
  }

  async entry(key: string, signal: AbortSignal | undefined): Promise<Entry | undefined> {
    const reply = await this.#entry(key, signal);
    if (reply === undefined) return undefined;
    const ttl = reply.headers.get("larder-ttl-millis");
    const version = this.#version(reply, "get", key);
    return { key, value: reply.body, version, ttlMs: ttl === null ? undefined : Number(ttl) };
  }

  async exists(key: string, signal: AbortSignal | undefined): Promise<boolean> {
    // Not by HEAD: an answer without a body does not tell a key that is not there from a binding that is not.
    const call = this.#post("get-many", { keys: [key], values: "none" });
    const reply = await this.#done(call, "read", "exists", key, signal);
    const item = (await this.#items(reply, "exists", key)).items[0];
    if (item?.absent === true) return false;
    const error = item && errorOf(item, { operation: "exists", key, binding: this.#binding });
    if (error !== undefined) throw error;
    if (item === undefined || infoOf(item) === undefined) throw this.#foreign("exists", key);
    return true;
  }

  async put(
    key: string,
    value: Uint8Array,
    ttlMs: number | undefined,
    condition: Condition,
    signal: AbortSignal | undefined,
  ): Promise<PutResult> {
    const headers: Record<string, string> = { "content-type": BYTES_TYPE };
    if (condition.if === "absent") headers["if-none-match"] = "*";
    if (condition.if === "version") headers["if-match"] = `"${condition.version}"`;
    const path = this.#path("entry", key);
    // A caller's own fetch may do with it what it likes: it is in memory of its own.
    const body = value.byteLength === value.buffer.byteLength ? value : value.slice();
    const call = lasting({ method: "PUT", path, headers, body }, ttlMs, (left) => ({
      path: `${path}&ttlMillis=${left}`,
      body,
    }));
    const effect = condition.if === "always" ? "repeatable" : "once";
    const reply = await this.#unless(["PRECONDITION_FAILED"], call, effect, "put", key, signal);
    if ("code" in reply) return { stored: false };
    return { stored: true, version: this.#version(reply, "put", key) };
  }

  async delete(key: string, version: string | undefined, signal: AbortSignal | undefined): Promise<boolean> {
    const call: Call = { method: "DELETE", path: this.#path("entry", key), headers: ifMatch(version) };
    const reply = await this.#unless(["PRECONDITION_FAILED"], call, effectOf(version), "delete", key, signal);
    if ("code" in reply) return false;
    if (reply.status !== 204) throw this.#foreign("delete", key, effectOf(version));
    return true;
  }

  async touch(
    key: string,
    ttlMs: number | undefined,
    version: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<TouchResult> {
    const post = (left: number | null) => this.#post("touch", { key, ttlMillis: left }, ifMatch(version));
    const call = lasting(post(null), ttlMs, post);
    const outcomes = ["PRECONDITION_FAILED", "NOT_FOUND"];
    const reply = await this.#unless(outcomes, call, effectOf(version), "touch", key, signal);
    if ("code" in reply) return { touched: false, reason: reply.code === "NOT_FOUND" ? "absent" : "version" };
    return { touched: true, version: this.#version(reply, "touch", key) };
  }

  async increment(
    key: string,
    delta: bigint,
    ttlMs: number | undefined,
    signal: AbortSignal | undefined,
  ): Promise<bigint> {
    const lifetime = ttlMs === undefined ? "" : `,"ttlMillis":${ttlMs}`;
    // By hand: a number of JSON.stringify has no more than 53 bits.
    const body = `{"key":${JSON.stringify(key)},"delta":${delta}${lifetime}}`;
    const reply = await this.#done(this.#post("increment", body), "once", "increment", key, signal);
    const text = (readJson(reply.body) as { text?: unknown } | undefined)?.text;
    if (typeof text !== "string" || !/^-?\d+$/.test(text)) throw this.#foreign("increment", key, "once");
    return BigInt(text);
  }

  async page(prefix: string, request: PageRequest, signal: AbortSignal | undefined): Promise<Page<Entry>> {
    return await this.#page(prefix, request, "base64", entryOf, signal);
  }

  async keysPage(prefix: string, request: PageRequest, signal: AbortSignal | undefined): Promise<Page<EntryInfo>> {
    return await this.#page(prefix, request, "none", infoOf, signal);
  }

  async getMany(keys: string[], signal: AbortSignal | undefined): Promise<PromiseSettledResult<Entry | undefined>[]> {
    const read = (item: Item) => (item.absent === true ? { value: undefined } : valued(entryOf(item)));
    return await this.#batch(this.#post("get-many", { keys }), keys, "read", "get_many", read, signal);
  }

  async setMany(
    entries: [key: string, value: Uint8Array][],
    ttlMs: number | undefined,
    signal: AbortSignal | undefined,
  ): Promise<PromiseSettledResult<string>[]> {
    const keys = entries.map(([key]) => key);
    const listed: string[] = [];
    for (const [key, value] of entries) {
      if (!mayGoOn()) await untilTime();
      listed.push(JSON.stringify({ key, value: toBase64(value), encoding: "base64" }));
    }
    const written = listed.join(",");
    const post = (lifetime: string) => this.#post("put-many", `{"entries":[${written}]${lifetime}}`);
    const call = lasting(post(""), ttlMs, (left) => post(`,"ttlMillis":${left}`));
    const read = (item: Item) => valued(item.version);
    return await this.#batch(call, keys, "repeatable", "put_many", read, signal);
  }

  async deleteMany(keys: string[], signal: AbortSignal | undefined): Promise<PromiseSettledResult<void>[]> {
    const read = (item: Item) => (typeof item.key === "string" ? { value: undefined } : undefined);
    return await this.#batch(this.#post("delete-many", { keys }), keys, "repeatable", "delete_many", read, signal);
  }

  async close(): Promise<void> {}

  async #entry(key: string, signal: AbortSignal | undefined): Promise<Reply | undefined> {
    // Whoever accepts whatever there is gets the bytes.
    const call: Call = { method: "GET", path: this.#path("entry", key) };
    const reply = await this.#unless(["NOT_FOUND"], call, "read", "get", key, signal);
    return "code" in reply ? undefined : reply;
  }

  async #page<T>(
    prefix: string,
    { limit, cursor }: PageRequest,
    values: "base64" | "none",
    read: (item: Item) => T | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Page<T>> {
    const query = new URLSearchParams({ prefix, values });
    if (limit !== undefined) query.set("limit", `${limit}`);
    if (cursor !== undefined) query.set("cursor", cursor);
    const call: Call = { method: "GET", path: `${this.#root()}/scan?${query}`, headers: { accept: PAGE_TYPE } };
    const reply = await this.#done(call, "read", "scan", undefined, signal);
    const page = await readPage(reply, {
      entryOf: read,
      errorOf: (item) => errorOf(item, { operation: "scan", binding: this.#binding }),
    });
    if (page === undefined) throw this.#foreign("scan", undefined);
    return page;
  }

  async #batch<T>(
    call: Call,
    keys: string[],
    effect: Effect,
    operation: string,
    read: (item: Item) => { value: T } | undefined,
    signal: AbortSignal | undefined,
  ): Promise<PromiseSettledResult<T>[]> {
    const reply = await this.#done(call, effect, operation, undefined, signal);
    // Answers of several parts may come in one turn, and each is parsed in one go.
    if (!mayGoOn()) await untilTime();
    const { items } = await this.#items(reply, operation, undefined, effect);
    if (items.length !== keys.length) throw this.#foreign(operation, undefined, effect);
    const answers: PromiseSettledResult<T>[] = [];
    for (const item of items) {
      // Values are decoded.
      if (!mayGoOn()) await untilTime();
      const found = (item.error ?? undefined) === undefined ? read(item) : undefined;
      const key = keys[answers.length];
      answers.push(
        found === undefined
          ? { status: "rejected", reason: this.#failed(item, reply, operation, key, effect) }
          : { status: "fulfilled", value: found.value },
      );
    }
    return answers;
  }

  /** Why there is no answer in an item of a batch. */
  #failed(item: Item, reply: Answer, operation: string, key: string | undefined, effect: Effect): LarderError {
    const failure = failureIn(item);
    if (failure === undefined) return this.#foreign(operation, key, effect);
    // As of a whole request: why this attempt failed does not tell what became of one before it.
    const isInDoubt = effect !== "read" && (failure.applied === "unknown" || reply.before === "doubt");
    return this.#error(isInDoubt ? ambiguous(failure) : failure, operation, key);
  }

  /** Sends a request that must succeed. */
  async #done(
    call: Call,
    effect: Effect,
    operation: string,
    key: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Answer> {
    return (await this.#unless([], call, effect, operation, key, signal)) as Answer;
  }

  /** Sends a request; refusals with these codes are outcomes. */
  async #unless(
    codes: string[],
    call: Call,
    effect: Effect,
    operation: string,
    key: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Answer | { code: string }> {
    const result = await this.#requester.send(call, effect, signal);
    if ("reply" in result) return { ...result.reply, before: result.before };
    const code = result.failure.problem?.error;
    if (code !== undefined && codes.includes(code) && result.failure.kind !== "Ambiguous") return { code };
    throw this.#error(result.failure, operation, key);
  }

  #error(failure: Failure, operation: string, key: string | undefined): LarderError {
    return errorBy(failure, { operation, key, binding: this.#binding });
  }

  /** The reply says that it worked, and is none of a gateway's. What became of a write, nobody knows. */
  #foreign(operation: string, key: string | undefined, effect: Effect = "read"): LarderError {
    const message = "the reply is none of a Larder gateway's: does something else answer there?";
    const kind = effect === "read" ? "Unavailable" : "Ambiguous";
    return new LarderError(kind, message, { operation, key, binding: this.#binding });
  }

  #version(reply: Reply, operation: string, key: string): string {
    const version = /^(?:W\/)?"([A-Za-z0-9_-]+)"$/.exec(reply.headers.get("etag") ?? "")?.[1];
    if (version === undefined) throw this.#foreign(operation, key, operation === "get" ? "read" : "once");
    return version;
  }

  async #items(reply: Reply, operation: string, key: string | undefined, effect: Effect = "read"): Promise<Items> {
    const items = await readItems(reply.body);
    if (items === undefined) throw this.#foreign(operation, key, effect);
    return items;
  }

  #post(name: string, body: object | string, headers: Record<string, string> = {}): Call {
    return {
      method: "POST",
      path: `${this.#root()}/${name}`,
      headers: { ...headers, "content-type": JSON_TYPE },
      body: typeof body === "string" ? body : JSON.stringify(body),
    };
  }

  #path(name: string, key: string): string {
    return `${this.#root()}/${name}?key=${encodeURIComponent(key)}`;
  }

  #root(): string {
    return `/v1/kv/${this.#binding}`;
  }
}

/** The call with its lifetime, if it has one. */
function lasting(call: Call, ttlMs: number | undefined, saying: Expiring["saying"]): Call {
  return ttlMs === undefined ? call : { ...call, ...saying(ttlMs), expiring: { ttlMs, saying } };
}

function ifMatch(version: string | undefined): Record<string, string> | undefined {
  return version === undefined ? undefined : { "if-match": `"${version}"` };
}

function effectOf(version: string | undefined): Effect {
  return version === undefined ? "repeatable" : "once";
}

function valued<T>(value: T | undefined): { value: T } | undefined {
  return value === undefined ? undefined : { value };
}
