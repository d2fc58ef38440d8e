// A value, as people look at it.

import { asDump, asText } from './bytes.js';
import { make, writeText } from './dom.js';
import { indented, mistake } from './json.js';

/** The form that tells most of it. */
export function bestFormat(bytes) {
  const text = asText(bytes);
  if (text === null) return 'hex';
  return mistake(text) === null ? 'json' : 'text';
}

/** The forms that it has, without guessing. */
export function formatsOf(bytes) {
  const text = asText(bytes);
  return { json: text !== null && mistake(text) === null, text: text !== null, hex: true };
}

/** Puts a value into an element, in one of its forms. */
export function writeValue(element, bytes, format) {
  if (!bytes.length) {
    element.replaceChildren(make('span', { class: 'note' }, 'Empty: 0 bytes'));
  } else if (format === 'json') {
    // Strings may have invisible letters, which must be seen as well.
    const tokens = indented(asText(bytes)).map(([kind, token]) => {
      if (kind === 'space') return document.createTextNode(token);
      const span = make('span', { class: `json-${kind}` });
      writeText(span, token);
      return span;
    });
    element.replaceChildren(...tokens);
  } else if (format === 'text') {
    writeText(element, asText(bytes));
  } else {
    element.textContent = asDump(bytes);
  }
}
