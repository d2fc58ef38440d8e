import { invalid, LarderError } from "../errors.js";
import { hasLoneSurrogate, utf8 } from "../text.js";

/** The longest value (V1). */
export const MAX_VALUE_BYTES = 24_576;
/** A longer text is refused without being encoded, however long it is. */
const MAX_TEXT = 1_000_000;

/**
 * The bytes of a value, refused if they are too many (V1).
 *
 * They are the store's own: what the caller does to an array afterwards changes nothing.
 */
export function toBytes(value: unknown): Uint8Array {
  // Before it is copied: whatever is given by mistake may be much longer.
  if (isBytes(value)) checkLength(value.byteLength);
  // Each unit of a text takes a byte at least.
  else if (typeof value === "string" && value.length > MAX_TEXT) throw tooLong(`more than ${MAX_TEXT}`);
  const bytes = encode(value);
  checkLength(bytes.byteLength);
  return bytes;
}

function checkLength(bytes: number): void {
  if (bytes > MAX_VALUE_BYTES) throw tooLong(`${bytes}`);
}

function tooLong(bytes: string): LarderError {
  return invalid(
    `the value has ${bytes} bytes; the limit is ${MAX_VALUE_BYTES}: store large data elsewhere and its address here`,
  );
}

/** Whether it is an array of bytes, of whichever realm: the addon's are not of that which Jest runs this package in. */
export function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array || (ArrayBuffer.isView(value) && tagOf(value) === "Uint8Array");
}

function tagOf(view: ArrayBufferView): unknown {
  return (view as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag];
}

function encode(value: unknown): Uint8Array {
  if (typeof value === "string") return encodeText(value);
  if (isBytes(value)) return copy(value);
  return utf8(json(value));
}

function encodeText(text: string): Uint8Array {
  if (hasLoneSurrogate(text)) {
    throw invalid("the value has half of a surrogate pair, which is no text: give the bytes as a Uint8Array");
  }
  return utf8(text);
}

/** Values up to this size are copied into memory that many share. */
const SMALL_BYTES = 4 * 1024;
const SHARED_BYTES = 64 * 1024;

let shared = new Uint8Array(0);
let used = 0;

/** A copy of bytes, which nobody else changes. */
export function copy(bytes: Uint8Array): Uint8Array {
  const { byteLength } = bytes;
  if (byteLength === 0) refuseDetached(bytes);
  // Not slice(): that of a Buffer is a view. The new one is never shared with other threads, which fetch would refuse.
  if (byteLength > SMALL_BYTES) return new Uint8Array(bytes);
  // Memory of its own costs several times what copying so much does.
  if (used + byteLength > shared.byteLength) {
    shared = new Uint8Array(SHARED_BYTES);
    used = 0;
  }
  const own = shared.subarray(used, used + byteLength);
  own.set(bytes);
  used += byteLength;
  return own;
}

/** An array whose buffer was given away, or shrunk below it, looks like an empty one, and would be stored as that. */
function refuseDetached(bytes: Uint8Array): void {
  try {
    // Looks whether it has a buffer that it fits in.
    Uint8Array.prototype.at.call(bytes, 0);
  } catch {
    throw invalid(
      "the value's buffer is detached or too short: it was given away, as by postMessage, or shrunk; copy it before that",
    );
  }
}

function json(value: unknown): string {
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer || isShared(value)) {
    throw invalid("the value is binary, but no Uint8Array: wrap it, as in new Uint8Array(buffer)");
  }
  if (value instanceof Map || value instanceof Set || value instanceof Promise) {
    throw invalid("the value is a Map, a Set or a Promise, of which JSON keeps nothing: make an object or an array of it");
  }
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw invalid("the value is no finite number, which JSON cannot say");
  }
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    // The engine's message may quote what is in the value.
    throw invalid("the value cannot be written as JSON: is it a bigint, or does it hold one, or itself?");
  }
  if (text === undefined) {
    throw invalid(`the value cannot be written as JSON: it is ${typeof value}; to remove the entry, delete the key`);
  }
  return text;
}

function isShared(value: unknown): boolean {
  return typeof SharedArrayBuffer !== "undefined" && value instanceof SharedArrayBuffer;
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text that bytes are (V2). */
export function toText(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch {
    throw new LarderError("Corrupt", "the value is not UTF-8 text");
  }
}

/** The JSON that bytes are (V2). The parser's message is left out: it may quote the value. */
export function fromJson(bytes: Uint8Array): unknown {
  const text = toText(bytes);
  try {
    return JSON.parse(text);
  } catch {
    throw new LarderError("Corrupt", "the value is not JSON");
  }
}
