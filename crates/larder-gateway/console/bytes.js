// Bytes as text and as hex, and back, without losing any.

/** The most bytes of a value. */
export const MOST = 24576;

const encoder = new TextEncoder();
// A mark at the beginning is part of the value.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export const ofText = (text) => encoder.encode(text);

/** The text, or null if the bytes are none. */
export function asText(bytes) {
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}

export function areEqual(one, other) {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}

const hex = (byte) => byte.toString(16).padStart(2, '0');

/** Pairs of digits, sixteen in a line. */
export function asHex(bytes) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += 16)
    lines.push(Array.from(bytes.slice(at, at + 16), hex).join(' '));
  return lines.join('\n');
}

/** The same with the place in front and the letters behind, to look at. */
export function asDump(bytes) {
  return asHex(bytes)
    .split('\n')
    .map((line, row) => {
      const part = bytes.slice(row * 16, row * 16 + 16);
      const letters = Array.from(part, (byte) =>
        byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·',
      ).join('');
      return `${(row * 16).toString(16).padStart(6, '0')}  ${line.padEnd(47)}  ${letters}`;
    })
    .join('\n');
}

/** Reads pairs of digits, with or without spaces between them. Throws what is wrong and where. */
export function ofHex(text) {
  const digits = [];
  let line = 1;
  for (const letter of text) {
    if (letter === '\n') line += 1;
    if (/\s/u.test(letter)) continue;
    if (!/[0-9a-f]/iu.test(letter))
      throw new Error(`Line ${line} has ${JSON.stringify(letter)}, which is no hex digit.`);
    digits.push(letter);
  }
  if (digits.length % 2) throw new Error('The last byte has one digit; it takes two.');
  return Uint8Array.from({ length: digits.length / 2 }, (_, at) =>
    parseInt(digits[2 * at] + digits[2 * at + 1], 16),
  );
}
