// What a script is given: kv, log, console, crypto. It is read before the script, and keeps what it needs of the language to
// itself, so that a script that changes its globals breaks nothing but itself.

export default function setup({ send, write, uuid, random, maxPage }) {
  const { parse, stringify } = JSON;
  const Bytes = Uint8Array;
  const pending = new Map();

  class KvError extends Error {
    constructor(code, message) {
      super(message);
      this.name = "KvError";
      this.code = code;
    }
  }

  // Every call is a promise that the answer of the same number settles.
  const ask = (operation, key, value, number, text) =>
    new Promise((resolve, reject) => {
      const id = send(operation, key, value, number, text);
      if (typeof id === "number") {
        pending.set(id, { resolve, reject });
      } else {
        const space = id.indexOf(" ");
        reject(new KvError(id.slice(0, space), id.slice(space + 1)));
      }
    });

  const settle = (id, value, code) => {
    const { resolve, reject } = pending.get(id);
    pending.delete(id);
    if (code === undefined) resolve(value);
    else reject(new KvError(code, value));
  };

  // What was rejected while nobody listened.
  const unheard = new Map();
  const reject = (promise, reason, isHandled) => {
    if (isHandled) unheard.delete(promise);
    else unheard.set(promise, reason);
  };

  const options = (given, known) => {
    if (given === undefined || given === null) return {};
    if (typeof given !== "object") throw new TypeError("the options are an object");
    for (const option of Object.keys(given)) {
      // A typing error must not make an entry that never expires.
      if (!known.includes(option)) throw new TypeError(`there is no option ${stringify(option)}; there are ${known.join(", ")}`);
    }
    return given;
  };

  const text = (value, what) => {
    if (typeof value !== "string") throw new TypeError(`${what} is a string`);
    if (!value.isWellFormed()) throw new TypeError(`${what} has half a character in it`);
    return value;
  };

  // In milliseconds; -1 is for ever.
  const lifetime = ({ ttl, ttlMs }) => {
    if (ttl === undefined && ttlMs === undefined) return -1;
    if (ttl !== undefined && ttlMs !== undefined) throw new TypeError("ttl (seconds) and ttlMs exclude each other");
    const millis = ttlMs ?? ttl * 1000;
    if (typeof millis !== "number" || !(millis > 0) || millis > 250e12) {
      throw new RangeError("a lifetime is above 0 and below 8,000 years; leave it out for an entry that stays");
    }
    return Math.ceil(millis);
  };

  const stored = (value) => {
    if (typeof value === "string") return value;
    if (value instanceof ArrayBuffer) return new Bytes(value);
    // A copy: the engine tells those who read it from outside the length that an array had when it was made, also where that
    // has changed with the length of its buffer.
    if (value instanceof Bytes) return new Bytes(value);
    const json = stringify(value);
    if (json === undefined) throw new TypeError("the value is no string, no Uint8Array and nothing that JSON can say");
    return json;
  };

  const put = (key, value, given) => {
    const put = options(given, ["ttl", "ttlMs", "ifNotExists", "ifVersion"]);
    if (put.ifNotExists && put.ifVersion !== undefined) throw new TypeError("ifNotExists and ifVersion exclude each other");
    const condition = put.ifVersion !== undefined ? "version" : put.ifNotExists ? "absent" : "always";
    const version = put.ifVersion === undefined ? "" : text(put.ifVersion, "ifVersion");
    return ask(`put ${condition}`, text(key, "the key"), stored(value), lifetime(put), version);
  };

  const scanPage = (prefix = "", given) => {
    const { limit = maxPage, cursor } = options(given, ["limit", "cursor"]);
    if (!Number.isInteger(limit) || limit < 1 || limit > maxPage) throw new RangeError(`a page has 1 to ${maxPage} entries`);
    const from = cursor === undefined || cursor === null ? "" : text(cursor, "the cursor");
    return ask("scan", text(prefix, "the prefix"), "", limit, from);
  };

  const kv = Object.freeze({
    get: async (key) => ask("get", text(key, "the key")),
    getText: async (key) => ask("get text", text(key, "the key")),
    getJson: async (key) => {
      const json = await ask("get text", text(key, "the key"));
      if (json === undefined) return undefined;
      try {
        return parse(json);
      } catch {
        throw new KvError("CORRUPT", "the value is no JSON; get and getText give it as it is");
      }
    },
    getEntry: async (key) => ask("entry", text(key, "the key")),
    exists: async (key) => ask("exists", text(key, "the key")),
    put: async (key, value, options) => {
      const version = await put(key, value, options);
      return version === undefined ? { stored: false } : { stored: true, version };
    },
    set: async (key, value, options) => (await put(key, value, options)) !== undefined,
    delete: async (key, given) => {
      const { ifVersion } = options(given, ["ifVersion"]);
      const version = ifVersion === undefined ? "" : text(ifVersion, "ifVersion");
      return ask(ifVersion === undefined ? "delete" : "delete version", text(key, "the key"), "", 0, version);
    },
    scanPage: async (prefix, options) => scanPage(prefix, options),
    scan: async function* (prefix, given) {
      let { limit = Infinity, onCorrupt } = options(given, ["limit", "onCorrupt"]);
      if (onCorrupt !== undefined && typeof onCorrupt !== "function") throw new TypeError("onCorrupt is a function");
      let cursor;
      do {
        const page = await scanPage(prefix, { limit: Math.min(limit, maxPage), cursor });
        for (const item of page.items) {
          if (item.error === undefined) {
            yield item;
            continue;
          }
          // Never skipped in silence: whoever wants to go on says so.
          const error = new KvError(item.error.code, item.error.message);
          error.key = item.key;
          if (onCorrupt === undefined) throw error;
          await onCorrupt(error);
        }
        limit -= page.items.length;
        cursor = page.cursor;
      } while (cursor !== null && limit > 0);
    },
    increment: async (key, delta = 1, given) => {
      const { ttl, ttlMs } = options(given, ["ttl", "ttlMs"]);
      if (typeof delta !== "bigint" && !Number.isSafeInteger(delta)) {
        throw new TypeError("what is added is a whole number; one past 2^53 is a BigInt");
      }
      return ask("increment", text(key, "the key"), "", lifetime({ ttl, ttlMs }), `${delta}`);
    },
  });

  const shown = (value) => {
    if (typeof value === "string") return value;
    if (value instanceof Error) return `${value.name}: ${value.message}`;
    try {
      return stringify(value) ?? String(value);
    } catch {
      return String(value);
    }
  };
  const writer = (level) => (...values) => write(level, values.map(shown).join(" ").toWellFormed());
  const levels = { debug: writer(0), info: writer(1), warn: writer(2), error: writer(3) };
  const log = Object.freeze(Object.assign(writer(1), levels));
  globalThis.console = Object.freeze({ log: levels.info, ...levels });
  globalThis.crypto = Object.freeze({ randomUUID: () => uuid() });

  // The engine's own begins anew with each run, and always with the same number.
  Object.defineProperty(Math, "random", { value: random });

  const start = async (main, input, name, version) => {
    if (typeof main !== "function") {
      throw new TypeError("the module has no function to run: write export default async function (input, { kv }) { … }");
    }
    // Null is no input, too: over HTTP the two cannot be told apart everywhere.
    const given = input === undefined ? undefined : (parse(input) ?? undefined);
    return main(given, Object.freeze({ kv, log, script: Object.freeze({ name, version }) }));
  };
  // At the end of a run: what failed is in the log where nobody else was told, but for the run itself.
  const tell = (run) => {
    unheard.delete(run);
    for (const reason of unheard.values()) {
      const code = reason instanceof KvError ? ` (${reason.code})` : "";
      log.warn(`something that nobody awaited failed${code}: ${shown(reason)}`);
    }
  };
  return { settle, start, reject, tell };
}
