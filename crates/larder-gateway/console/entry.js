// One entry: its value, its lifetime, and what can be done with it.

import * as api from './api.js';
import { everySecond } from './clock.js';
import { askLifetime, confirm } from './dialog.js';
import { announce, byId, choose, chosen, show, writeLine } from './dom.js';
import * as editor from './editor.js';
import { left } from './lifetime.js';
import { bestFormat, formatsOf, writeValue } from './value.js';

const panel = byId('entry');
/** What is open: where, and the entry if there is one. */
let open = null;
/** Counts what was asked for, so that an answer that comes late changes nothing. */
let asked = 0;
let hooks = { may: () => false, changed: () => {}, closed: () => {} };

/** `may` tells what is permitted; `changed` is told of writes, and `closed` which key was open. */
export function connect(given) {
  hooks = given;
}

export const openKey = () => open?.key ?? null;
export const leave = () => editor.leave();

/** Opens an entry. The one before it stays if something would be lost. */
export async function view(binding, key) {
  if (!(await editor.leave())) return;
  open = { binding, key, entry: null, isGone: false };
  writeLine(byId('entry-title'), key);
  byId('value').replaceChildren();
  show(byId('facts'), false);
  showParts({ isEditing: false });
  show(panel, true);
  document.body.classList.add('has-entry');
  await reread();
  byId('entry-title').focus();
}

/** Opens the editor for a new entry. */
export async function create(binding, key) {
  if (!(await editor.leave())) return;
  asked += 1;
  open = { binding, key: null, entry: null, isGone: false };
  byId('entry-title').textContent = 'New entry';
  say('');
  showParts({ isEditing: true });
  show(byId('facts'), false);
  show(panel, true);
  document.body.classList.add('has-entry');
  editor.create(binding, key, (stored) => (stored === null ? close() : after(stored)));
}

/** Closes it, whatever is in it. */
export function close() {
  const key = openKey();
  asked += 1;
  open = null;
  editor.close();
  byId('value').replaceChildren();
  show(panel, false);
  document.body.classList.remove('has-entry');
  hooks.closed(key);
}

async function after(key) {
  const { binding, format } = open;
  open = { binding, key, entry: null, isGone: false, format };
  writeLine(byId('entry-title'), key);
  hooks.changed();
  await reread();
  byId('entry-title').focus();
}

function say(text) {
  byId('entry-error').textContent = text;
}

/** Reads what is stored now. */
async function reread() {
  const mine = (asked += 1);
  const what = open;
  panel.setAttribute('aria-busy', 'true');
  let entry = null;
  let problem = '';
  try {
    entry = await api.read(what.binding, what.key);
    if (entry === null) problem = 'The key is not there.';
  } catch (error) {
    problem = api.explain(error);
    what.isCorrupt = error.code === 'CORRUPT';
  }
  if (mine !== asked) return;
  panel.removeAttribute('aria-busy');
  what.entry = entry;
  what.isGone = false;
  say(problem);
  render();
}

function render() {
  const { entry } = open;
  show(byId('facts'), entry !== null);
  showParts({ isEditing: false });
  if (entry === null) return;
  const formats = formatsOf(entry.bytes);
  for (const radio of byId('formats').querySelectorAll('input')) radio.disabled = !formats[radio.value];
  const kept = chosen('format');
  choose('format', kept !== null && formats[kept] && open.format ? kept : bestFormat(entry.bytes));
  open.format = chosen('format');
  writeValue(byId('value'), entry.bytes, open.format);
  byId('fact-size').textContent = `${entry.bytes.length.toLocaleString('en')} bytes`;
  byId('fact-version').textContent = entry.version;
  tick();
}

function showParts({ isEditing }) {
  const entry = open?.entry ?? null;
  const isThere = entry !== null && !isEditing;
  show(byId('value'), isThere);
  show(byId('entry-tools'), (isThere && !open.isGone) || Boolean(open?.isCorrupt && !isEditing));
  show(byId('formats'), isThere);
  show(byId('reread'), isThere);
  show(byId('edit'), isThere && hooks.may('write'));
  show(byId('lifetime'), isThere && hooks.may('write'));
  show(byId('remove'), hooks.may('delete'));
  panel.classList.toggle('is-gone', Boolean(open?.isGone));
}

/** A moment as this machine has it, the largest part first. */
const moment = (millis) => new Date(millis).toLocaleString('sv-SE');

/** Counts the lifetime down. When nothing is left, the gateway is asked whether that is so. */
function tick() {
  editor.tick();
  const countdown = open?.entry?.countdown;
  if (!countdown || open.isGone) return;
  const rest = countdown.left;
  byId('fact-lifetime').textContent = rest === null ? 'Stays' : left(rest);
  byId('fact-expires').textContent = rest === null ? 'Never' : moment(Date.now() + rest);
  if (rest === 0) expire(open);
}

async function expire(what) {
  if (what.isAsking) return;
  what.isAsking = true;
  try {
    const entry = await api.read(what.binding, what.key);
    if (open !== what) return;
    if (entry === null) {
      what.isGone = true;
      byId('fact-lifetime').textContent = 'Expired';
      say('The entry has expired: it is absent now. This is what it held.');
      showParts({ isEditing: !byId('editor').hidden });
      announce('The entry has expired.');
      hooks.changed();
    } else {
      // Somebody gave it more time. What is being edited keeps its version, so that saving tells of the change.
      what.entry = entry;
      if (byId('editor').hidden) render();
    }
  } catch (error) {
    if (open === what) say(api.explain(error));
  } finally {
    what.isAsking = false;
  }
}

async function setLifetime() {
  const { binding, key, entry } = open;
  const explain = (error) =>
    error.status === 412
      ? 'The entry was changed or removed since you opened it. Cancel, reload, and look at it again.'
      : api.explain(error);
  const isSet = await askLifetime(key, entry.countdown.left, explain, (millis) =>
    api.touch(binding, key, entry.version, millis),
  );
  if (!isSet || openKey() !== key) return;
  announce('The lifetime is set.');
  hooks.changed();
  await reread();
  byId('lifetime').focus();
}

/** Whether a record still cannot be read: somebody may have mended it since it was shown. */
async function isCorrupt(binding, key) {
  try {
    await api.read(binding, key);
    return false;
  } catch (error) {
    if (error.code === 'CORRUPT') return true;
    throw error;
  }
}

async function remove() {
  const { binding, key, entry } = open;
  const text =
    entry === null
      ? 'Its record cannot be read, so nobody can see what goes with it. There is no way back.'
      : 'There is no way back.';
  const title = entry === null ? 'Delete this damaged record?' : 'Delete this entry?';
  if (!(await confirm({ title, text, subject: key, action: 'Delete' })) || openKey() !== key) return;
  try {
    // A version that nobody can read is no condition, so it is looked at once more.
    if (entry === null && !(await isCorrupt(binding, key))) {
      if (openKey() !== key) return;
      await reread();
      if (open?.entry) say('Somebody mended the record meanwhile, so it was not deleted. This is what is stored now.');
      hooks.changed();
      return;
    }
    await api.remove(binding, key, entry?.version ?? null);
  } catch (error) {
    if (openKey() !== key) return;
    if (error.status === 412) {
      await reread();
      say(
        'Somebody changed or removed the entry since you opened it, so it was not deleted. This is what is stored now.',
      );
    } else if (api.isUnsure(error)) {
      await reread();
      say(`${api.explain(error)} This is what is stored now.`);
    } else say(api.explain(error));
    return;
  }
  announce('Deleted.');
  if (openKey() === key) close();
  hooks.changed();
}

function edit() {
  // An answer that is on its way would come over what is typed.
  asked += 1;
  panel.removeAttribute('aria-busy');
  showParts({ isEditing: true });
  say('');
  editor.edit(open.binding, open.entry, open.format, (key) => {
    if (key === null || open === null) return;
    after(key);
  });
  tick();
}

everySecond(tick);
byId('edit').addEventListener('click', edit);
byId('lifetime').addEventListener('click', setLifetime);
byId('remove').addEventListener('click', remove);
byId('reread').addEventListener('click', reread);
byId('entry-close').addEventListener('click', async () => {
  if (await editor.leave()) close();
});
byId('formats').addEventListener('change', () => {
  open.format = chosen('format');
  writeValue(byId('value'), open.entry.bytes, open.format);
});
panel.addEventListener('keydown', async (event) => {
  if (event.key !== 'Escape' || event.defaultPrevented) return;
  event.preventDefault();
  // Out of the editor first, then out of the entry.
  if (!byId('editor').hidden) byId('cancel').click();
  else close();
});
