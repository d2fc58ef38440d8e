import { mayGoOn, untilTime } from "../turn.js";

/** As many bytes are parsed in one go without stopping the event loop for long. */
const PIECE_BYTES = 32 * 1024;
/** Lists and objects that lie deeper in others are parsed in one go: what is large is large on top. */
const DEEPEST = 4;

const [QUOTE, COMMA, COLON, BACKSLASH] = [0x22, 0x2c, 0x3a, 0x5c];
const [LIST, LIST_END, OBJECT, OBJECT_END] = [0x5b, 0x5d, 0x7b, 0x7d];

const decoder = new TextDecoder();
/** Of what is not at the beginning: a mark of the byte order there is no part of JSON. */
const pieceDecoder = new TextDecoder("utf-8", { ignoreBOM: true });
const MARK = [0xef, 0xbb, 0xbf];

/** Reads JSON; undefined if it is none. */
export function readJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(body));
  } catch {
    return undefined;
  }
}

/** Reads JSON of any length over several turns; undefined if it is none, or deeper than an engine goes. */
export async function readLongJson(body: Uint8Array, pieceBytes = PIECE_BYTES): Promise<unknown> {
  if (body.byteLength <= pieceBytes) return readJson(body);
  return await new Parser(body, pieceBytes).read().catch(() => undefined);
}

/**
 * Parses a document in pieces. Where pieces begin and end is found here; whether they are JSON, `JSON.parse` says of each:
 * all are, and what is between them is, exactly if the document is.
 */
class Parser {
  readonly #body: Uint8Array;
  readonly #pieceBytes: number;
  #at = 0;

  constructor(body: Uint8Array, pieceBytes: number) {
    this.#body = body;
    this.#pieceBytes = pieceBytes;
  }

  async read(): Promise<unknown> {
    if (MARK.every((byte, at) => this.#body[at] === byte)) this.#at = MARK.length;
    this.#skipSpace();
    const document = await this.#value(0);
    this.#skipSpace();
    if (this.#at < this.#body.byteLength) throw new SyntaxError("there is more behind the document");
    return document;
  }

  /** The value that begins here. */
  async #value(depth: number): Promise<unknown> {
    if (!mayGoOn()) await untilTime();
    const from = this.#at;
    const first = this.#body[from];
    const most = depth < DEEPEST && (first === LIST || first === OBJECT) ? this.#pieceBytes : Number.POSITIVE_INFINITY;
    if (this.#skipValue(from + most)) return this.#parsed(from, this.#at, "", "");
    this.#at = from + 1;
    if (first === LIST) return await this.#list(depth);
    return await this.#object(depth);
  }

  async #list(depth: number): Promise<unknown[]> {
    const list: unknown[] = [];
    const take = (from: number, to: number) => {
      for (const one of this.#parsed(from, to, "[", "]") as unknown[]) list.push(one);
    };
    await this.#members(LIST_END, take, async () => void list.push(await this.#value(depth + 1)));
    return list;
  }

  async #object(depth: number): Promise<object> {
    const object = {};
    const take = (from: number, to: number) => {
      const some = this.#parsed(from, to, "{", "}") as object;
      for (const [name, value] of Object.entries(some)) define(object, name, value);
    };
    await this.#members(OBJECT_END, take, async () => {
      const from = this.#at;
      this.#skipName();
      // With a value of its own, so that what is around the name is looked at, too.
      const [name] = Object.keys(this.#parsed(from, this.#at, "{", "0}") as object);
      define(object, name as string, await this.#value(depth + 1));
    });
    return object;
  }

  /**
   * Goes through what is in a list or an object: `take` gets where members begin and end that are no more than a piece
   * together, and `long` finds one that is more by itself.
   */
  async #members(end: number, take: (from: number, to: number) => void, long: () => Promise<void>): Promise<void> {
    this.#skipSpace();
    if (this.#body[this.#at] === end) return void (this.#at += 1);
    let from = this.#at;
    let to = from;
    do {
      this.#skipSpace();
      const begun = this.#at;
      const bound = begun + this.#pieceBytes;
      if (end === OBJECT_END) this.#skipName();
      const isShort = this.#skipValue(bound);
      if (!isShort || this.#at - from > this.#pieceBytes) {
        if (to > from) take(from, to);
        from = begun;
        if (!mayGoOn()) await untilTime();
      }
      to = this.#at;
      if (!isShort) {
        this.#at = begun;
        await long();
      }
      this.#skipSpace();
      const next = this.#body[this.#at];
      if (next !== end && next !== COMMA) throw new SyntaxError("a member is followed by something else");
      this.#at += 1;
      if (!isShort) from = to = this.#at;
    } while (this.#body[this.#at - 1] === COMMA);
    if (to > from) take(from, to);
  }

  /** Goes behind a name and its colon. */
  #skipName(): void {
    if (this.#body[this.#at] !== QUOTE) throw new SyntaxError("an object has a member without a name");
    this.#at = this.#endOfText(this.#at);
    this.#skipSpace();
    if (this.#body[this.#at] !== COLON) throw new SyntaxError("a name is followed by something else");
    this.#at += 1;
    this.#skipSpace();
  }

  /** Goes behind a value; false if that is not before the bound. */
  #skipValue(bound: number): boolean {
    const begun = this.#at;
    let at = begun;
    for (let depth = 0; at < this.#body.byteLength; ) {
      if (at >= bound) return false;
      const byte = this.#body[at];
      if (depth === 0 && isEnd(byte)) break;
      at = byte === QUOTE ? this.#endOfText(at) : at + 1;
      if (byte === LIST || byte === OBJECT) depth += 1;
      else if (byte === LIST_END || byte === OBJECT_END) depth -= 1;
      else if (byte !== QUOTE) continue;
      if (depth === 0) break;
    }
    if (at === begun) throw new SyntaxError("a value is missing");
    this.#at = at;
    return true;
  }

  #endOfText(from: number): number {
    for (let at = from + 1; ; at += 1) {
      at = this.#body.indexOf(QUOTE, at);
      if (at === -1) throw new SyntaxError("a text has no end");
      let before = at - 1;
      while (this.#body[before] === BACKSLASH) before -= 1;
      if ((at - before) % 2 === 1) return at + 1;
    }
  }

  #skipSpace(): void {
    while (isSpace(this.#body[this.#at])) this.#at += 1;
  }

  #parsed(from: number, to: number, before: string, behind: string): unknown {
    return JSON.parse(before + pieceDecoder.decode(this.#body.subarray(from, to)) + behind);
  }
}

/** As `JSON.parse` does it: a member called `__proto__` is one like the others. */
function define(object: object, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, configurable: true, enumerable: true, writable: true });
}

/** Whether a number or a word ends here. */
function isEnd(byte: number | undefined): boolean {
  return byte === COMMA || byte === LIST_END || byte === OBJECT_END || isSpace(byte);
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
