// Two people at one entry: what the other one stored, beside what was typed here.

import { asText } from './bytes.js';
import { byId, make, show, writeText } from './dom.js';
import { formatsOf, writeValue } from './value.js';

const section = byId('conflict');

/** Shows what is stored now; null says that nothing is. */
export function present(theirs, { isNew, mine, format }) {
  const isGone = theirs === null;
  byId('conflict-title').textContent = isGone
    ? 'The entry is gone'
    : isNew
      ? 'There is an entry with this key already'
      : 'Somebody changed the entry while you did';
  byId('conflict-text').textContent = isGone
    ? 'It expired or was deleted. What you typed is above, and can be stored as a new entry.'
    : 'This is stored now; lines that yours has not are marked. What you typed is above.';
  show(byId('theirs'), !isGone);
  show(byId('take'), !isGone);
  byId('overwrite').textContent = isGone ? 'Store mine as new' : 'Store mine over it';
  if (!isGone) writeTheirs(byId('theirs'), theirs.bytes, mine, format);
  show(section, true);
  byId('conflict-title').focus();
}

/** As text with marks where both are text, else as they are. */
function writeTheirs(element, bytes, mine, format) {
  const [their, own] = [asText(bytes), asText(mine)];
  if (format === 'hex' || their === null || own === null || !bytes.length) {
    writeValue(element, bytes, formatsOf(bytes).text && format !== 'hex' ? 'text' : 'hex');
    return;
  }
  const known = new Set(own.split('\n'));
  const lines = their.split('\n').map((line) => {
    const span = make('span', { class: known.has(line) ? 'line' : 'line differs' });
    writeText(span, line);
    return span;
  });
  element.replaceChildren(
    ...lines.flatMap((line, at) => (at ? [document.createTextNode('\n'), line] : [line])),
  );
}

/** What the buttons do. */
export function decide({ overwrite, take }) {
  byId('overwrite').onclick = overwrite;
  byId('take').onclick = take;
}

export function hide() {
  show(section, false);
  byId('theirs').replaceChildren();
}
