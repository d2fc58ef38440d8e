/** The bytes of a text as UTF-8. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

const encoder = new TextEncoder();

/** Whether a text has half of a surrogate pair, which UTF-8 cannot say: encoders put another character in its place. */
export function hasLoneSurrogate(text: string): boolean {
  return LONE.test(text);
}

const LONE = /\p{Surrogate}/u;

/** A key as it may stand in an error: its first characters, and how long it is. */
export function shorten(key: string): string {
  const characters = Array.from(key.slice(0, 2 * SHOWN + 2));
  if (characters.length <= SHOWN) return key;
  return `${characters.slice(0, SHOWN).join("")}…(${utf8(key).length} bytes)`;
}

const SHOWN = 8;

/** A text in quotes, written as Rust's `{:?}` writes it, so that both libraries say the same of the same text. */
export function quoted(text: string): string {
  const escaped = Array.from(text, (character) => ESCAPES[character] ?? escapeControl(character));
  return `"${escaped.join("")}"`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0",
};

function escapeControl(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code < 0x20 || (code >= 0x7f && code < 0xa0) ? `\\u{${code.toString(16)}}` : character;
}
