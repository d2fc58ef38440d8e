import { invalid } from "../errors.js";
import { hasLoneSurrogate, utf8 } from "../text.js";

const MAX_KEY_BYTES = 512;
const PLAIN = /^[A-Za-z0-9_:.-]*$/;
const NOT_PLAIN = /[^A-Za-z0-9_:.-]/g;

/** Refuses what is no key (K1, K3), before anything is sent. */
export function checkKey(key: unknown): string {
  if (key === "") throw invalid(`the key is empty; a key has 1 to ${MAX_KEY_BYTES} bytes in canonical form`);
  return checkText("key", key);
}

/** Refuses what is no prefix of a key. The empty prefix is that of all keys. */
export function checkPrefix(prefix: unknown): string {
  return checkText("prefix", prefix);
}

function checkText(what: string, text: unknown): string {
  if (typeof text !== "string") throw invalid(`the ${what} is a string, and not ${nameOf(text)}`);
  if (text.length <= MAX_KEY_BYTES && PLAIN.test(text)) return text;
  if (hasLoneSurrogate(text)) {
    throw invalid(`the ${what} has half of a surrogate pair, which is no text: encode what it stands for`);
  }
  const length = canonicalLength(text);
  if (length > MAX_KEY_BYTES) {
    throw invalid(
      `the ${what} has ${length} bytes in canonical form; the limit is ${MAX_KEY_BYTES} (letters, digits and ` +
        "- _ : . count one byte, every other byte counts three): shorten or hash it",
    );
  }
  return text;
}

/** How long a text is in canonical form: plain characters count one, every other byte counts three. */
function canonicalLength(text: string): number {
  const others = text.match(NOT_PLAIN)?.join("") ?? "";
  return text.length - others.length + 3 * utf8(others).length;
}

function nameOf(value: unknown): string {
  return value === null ? "null" : typeof value;
}
