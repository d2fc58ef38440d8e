// What is typed into the editor: bytes, written as text or as hex. Nothing is lost between the two.

import * as bytes from './bytes.js';
import { byId, choose, chosen, show } from './dom.js';
import { mistake, pretty } from './json.js';
import { bestFormat } from './value.js';

const field = byId('draft');
let format = 'text';
let begun = '';

/** Whether the text field gives back these bytes, which it does not where it changes the ends of lines. */
function keeps(text, value) {
  const before = field.value;
  field.value = text;
  const isKept = bytes.areEqual(bytes.ofText(field.value), value);
  field.value = before;
  return isKept;
}

/** Text for the field in that format, or why there is none. */
function written(value, wanted) {
  if (wanted === 'hex') return { text: bytes.asHex(value) };
  const text = bytes.asText(value);
  if (text === null) return { why: 'These bytes are no text; they can be written as hex.' };
  if (!keeps(text, value))
    return { why: 'A text field would change the ends of its lines; it can be written as hex.' };
  return { text };
}

/** Begins with these bytes, in that format where that loses nothing. */
export function begin(value, wanted = bestFormat(value)) {
  const as = written(value, wanted);
  format = as.text === undefined ? 'hex' : wanted;
  field.value = as.text ?? bytes.asHex(value);
  begun = field.value;
  choose('draft-format', format);
  tell();
}

/** The bytes that are written there. Throws what is wrong with them. */
export function value() {
  const written = format === 'hex' ? bytes.ofHex(field.value) : bytes.ofText(field.value);
  if (written.length > bytes.MOST) {
    throw new Error(
      `The value has ${written.length} bytes; the limit is ${bytes.MOST}. Make it shorter, or store it in parts.`,
    );
  }
  if (format === 'json' && mistake(field.value) !== null) {
    throw new Error(
      `That is no JSON: ${mistake(field.value)}. Mend it, or choose Text to store it as it is.`,
    );
  }
  return written;
}

export const isJson = () => format === 'json';
export const isChanged = () => field.value !== begun;
export const currentFormat = () => format;

/** Lets nobody type while it is being stored. */
export function freeze(isFrozen) {
  field.readOnly = isFrozen;
}

/** Says how much it is, and whether it can be stored. */
function tell() {
  let said;
  try {
    said = `${value().length.toLocaleString('en')} of ${bytes.MOST.toLocaleString('en')} bytes`;
  } catch (error) {
    said = error.message;
  }
  byId('draft-state').textContent = said;
  show(byId('pretty'), format === 'json');
}

/** Writes the same bytes in another format. */
function turn(wanted) {
  try {
    const same = (format === 'hex') === (wanted === 'hex');
    if (!same) {
      const was = isChanged();
      const as = written(format === 'hex' ? bytes.ofHex(field.value) : bytes.ofText(field.value), wanted);
      if (as.why) throw new Error(as.why);
      field.value = as.text;
      if (!was) begun = as.text;
    }
    format = wanted;
    tell();
  } catch (error) {
    choose('draft-format', format);
    byId('draft-state').textContent = error.message;
  }
}

field.addEventListener('input', tell);
byId('draft-formats').addEventListener('change', () => turn(chosen('draft-format')));
byId('pretty').addEventListener('click', () => {
  const indented = pretty(field.value);
  if (indented !== null) field.value = indented;
  tell();
  field.focus();
});
