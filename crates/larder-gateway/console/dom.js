// Elements, and text in them that says what it is.

/** The element of this id, which is in the page. */
export const byId = (id) => document.getElementById(id);

/** Makes an element. Text stays text, whatever it looks like. */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(attribute, value);
  }
  element.append(...children);
  return element;
}

export function show(element, isShown) {
  element.hidden = !isShown;
}

// Controls, marks that turn what follows around, and what has no width: a key with them looks like another one.
const HIDDEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e0fff}]/gu;
// In one line, line breaks and tabs hide as well.
const HIDDEN_IN_LINE = new RegExp(`${HIDDEN.source}|[\\t\\n]`, 'gu');

function pieces(text, hidden) {
  const nodes = [];
  let from = 0;
  for (const match of text.matchAll(hidden)) {
    if (match.index > from) nodes.push(document.createTextNode(text.slice(from, match.index)));
    const code = match[0].codePointAt(0).toString(16).toUpperCase().padStart(4, '0');
    nodes.push(make('span', { class: 'hidden-char' }, `U+${code}`));
    from = match.index + match[0].length;
  }
  if (from < text.length) nodes.push(document.createTextNode(text.slice(from)));
  return nodes;
}

/** Puts a line of text into an element: what would be invisible, or turn around what follows, is named. */
export function writeLine(element, text) {
  element.replaceChildren(make('bdi', {}, ...pieces(text, HIDDEN_IN_LINE)));
}

/** The same for text of several lines. */
export function writeText(element, text) {
  element.replaceChildren(...pieces(text, HIDDEN));
}

let fading;

/** Says something to whoever cannot see that it happened, and to all others in passing. */
export function announce(text) {
  byId('status').textContent = text;
  clearTimeout(fading);
  fading = setTimeout(() => {
    byId('status').textContent = '';
  }, 4_000);
}

/** The value of the chosen radio button of this name. */
export function chosen(name) {
  return document.querySelector(`input[name="${name}"]:checked`)?.value ?? null;
}

export function choose(name, value) {
  for (const radio of document.querySelectorAll(`input[name="${name}"]`))
    radio.checked = radio.value === value;
}
