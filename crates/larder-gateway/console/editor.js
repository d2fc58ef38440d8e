// Storing a value: over the version that the person saw, or under a key that is absent.

import * as api from './api.js';
import { areEqual } from './bytes.js';
import * as conflict from './conflict.js';
import { confirm } from './dialog.js';
import { announce, byId, choose, chosen, show } from './dom.js';
import * as draft from './draft.js';
import { left, parse } from './lifetime.js';

const form = byId('editor');
const newKey = byId('new-key');
const ttl = byId('draft-ttl');

/** What is being written: where, over which version (null: none is there), and with what is left of which lifetime. */
let target = null;
let begunLifetime = '';
let finish = () => {};
/** Whether it is being stored: until the answer is there, nobody leaves and nothing is stored a second time. */
let isSaving = false;

/** Opens the editor on an entry. `done` gets the key when it is stored, or null when it is not to be. */
export function edit(binding, entry, format, done) {
  start({ binding, key: entry.key, version: entry.version, countdown: entry.countdown, isNew: false }, done);
  draft.begin(entry.bytes, format);
  byId('draft').focus();
}

/** Opens it for a new entry, whose key may be known. */
export function create(binding, key, done) {
  start({ binding, key: null, version: null, countdown: null, isNew: true }, done);
  newKey.value = key;
  target.begunKey = key;
  draft.begin(new Uint8Array(), 'json');
  newKey.focus();
}

function start(what, done) {
  target = what;
  finish = done;
  conflict.hide();
  byId('editor-error').textContent = '';
  show(byId('new-key-field'), what.isNew);
  show(byId('keep-field'), !what.isNew && what.countdown.left !== null);
  choose('draft-lifetime', !what.isNew && what.countdown.left !== null ? 'keep' : 'never');
  begunLifetime = chosen('draft-lifetime');
  ttl.value = '';
  show(form, true);
}

/** Whether something would be lost. */
export function isDirty() {
  if (target === null) return false;
  return (
    draft.isChanged() ||
    chosen('draft-lifetime') !== begunLifetime ||
    (target.isNew && newKey.value !== target.begunKey)
  );
}

/** Closes it, if nothing is lost or the person agrees. */
export async function leave() {
  if (target === null) return true;
  if (isSaving) {
    fail('It is being stored. Wait for the answer.');
    return false;
  }
  const sure =
    !isDirty() ||
    (await confirm({
      title: 'Discard what you typed?',
      text: 'It has not been stored.',
      subject: target.key ?? newKey.value,
      action: 'Discard',
    }));
  if (sure) close();
  return sure;
}

/** Closes it, whatever is in it. */
export function close() {
  target = null;
  conflict.hide();
  show(form, false);
  byId('draft').value = '';
}

function lifetime() {
  const choice = chosen('draft-lifetime');
  if (choice === 'never') return null;
  if (choice === 'for') return parse(ttl.value);
  const rest = Math.round(target.countdown.left);
  if (rest < 1) throw new Error('Nothing is left of its lifetime. Choose another.');
  return rest;
}

function fail(text) {
  byId('editor-error').textContent = text;
  byId('editor-error').scrollIntoView({ block: 'nearest' });
}

/** Stores the draft, if the entry still has the version. */
async function save() {
  if (isSaving) return;
  const mine = target;
  fail('');
  let bytes;
  let ttlMillis;
  try {
    if (mine.isNew) mine.key = newKey.value;
    if (!mine.key) throw new Error('The key is empty; it has 1 to 512 bytes.');
    bytes = draft.value();
    ttlMillis = lifetime();
  } catch (error) {
    fail(error.message);
    return;
  }
  isSaving = true;
  byId('save').disabled = true;
  draft.freeze(true);
  try {
    await api.write(mine.binding, mine.key, bytes, {
      version: mine.version,
      ttlMillis,
      isJson: draft.isJson(),
    });
    stored(mine);
  } catch (error) {
    if (error.status === 412) await meet(mine);
    else if (api.isUnsure(error)) await settle(mine, bytes, error);
    else fail(api.explain(error));
  } finally {
    isSaving = false;
    byId('save').disabled = false;
    draft.freeze(false);
  }
}

function stored(mine) {
  if (target !== mine) return;
  close();
  announce('Stored.');
  finish(mine.key);
}

/** Somebody else was there: both versions are shown, and nothing that was typed is touched. */
async function meet(mine) {
  let theirs;
  try {
    theirs = await api.read(mine.binding, mine.key);
  } catch (error) {
    fail(
      `The entry was changed by somebody else, and cannot be read now: ${api.explain(error)} What you typed is still here.`,
    );
    return;
  }
  if (target !== mine) return;
  conflict.present(theirs, { isNew: mine.isNew, mine: draft.value(), format: draft.currentFormat() });
  conflict.decide({
    overwrite: () => {
      if (isSaving) return;
      mine.version = theirs?.version ?? null;
      conflict.hide();
      save();
    },
    take: async () => {
      if (await leave()) finish(mine.key);
    },
  });
}

/** No answer came: what is stored now tells whether it was. */
async function settle(mine, bytes, error) {
  let seen;
  try {
    seen = await api.read(mine.binding, mine.key);
  } catch {
    fail(
      `${api.explain(error)} It may have been stored, or not, and cannot be looked up now. What you typed is still here.`,
    );
    return;
  }
  if (seen !== null && seen.version !== mine.version && areEqual(seen.bytes, bytes)) stored(mine);
  else fail(`${api.explain(error)} It is not stored so far. What you typed is still here; save it again.`);
}

/** What is left of the lifetime that would be kept. */
export function tick() {
  if (target?.countdown && target.countdown.left !== null) {
    byId('keep-field').lastChild.textContent = ` Keep what is left (${left(target.countdown.left)})`;
  }
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  save();
});
form.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});
ttl.addEventListener('input', () => choose('draft-lifetime', 'for'));
byId('cancel').addEventListener('click', async () => {
  const key = target?.isNew ? null : (target?.key ?? null);
  if (await leave()) finish(key);
});
window.addEventListener('beforeunload', (event) => {
  if (isDirty() || isSaving) event.preventDefault();
});
