// The entries of a store, by prefix, a page at a time.

import * as api from './api.js';
import { everySecond } from './clock.js';
import { byId, make, show, writeLine } from './dom.js';
import * as entry from './entry.js';
import { Grid } from './grid.js';
import { left } from './lifetime.js';
import { grouped, parent, steps } from './prefix.js';

/** What a row stands for: a folder, an entry, or a record that cannot be read. */
const meanings = new WeakMap();
const grid = new Grid(byId('rows'), (row) => choose(meanings.get(row)), up);

let binding = '';
let prefix = '';
/** The cursors of the pages up to this one; the first has none. */
let cursors = [null];
let page = { items: [], cursor: null };
let asked = 0;

/** Begins with what the caller may name. */
export function start(me) {
  const stores = byId('binding');
  stores.replaceChildren(...me.bindings.map((id) => make('option', { value: id }, id)));
  binding = me.bindings[0] ?? '';
  show(byId('create'), me.permissions.includes('write'));
  entry.connect({
    may: (what) => me.permissions.includes(what),
    changed: refresh,
    closed: (key) => {
      grid.select(() => false);
      if (!grid.focus((row) => key !== null && meanings.get(row)?.item?.key === key)) byId('prefix').focus();
    },
  });
  if (binding) list('');
  else byId('list-error').textContent = 'This key opens none of the stores that are served here.';
}

/** Lists a prefix from its beginning. */
function list(to) {
  prefix = to;
  cursors = [null];
  byId('prefix').value = prefix;
  writeSteps();
  return load();
}

/** The same for who walks there. */
async function go(to, isItFocused = () => true) {
  if (await list(to)) grid.focus(isItFocused);
}

function up() {
  if (prefix === '') return;
  const from = prefix;
  go(parent(prefix), (row) => meanings.get(row)?.folder === from);
}

/** Fetches the page that the last cursor is for. Says whether it is there. */
async function load() {
  const mine = (asked += 1);
  const limit = byId('limit').value;
  byId('grid').setAttribute('aria-busy', 'true');
  try {
    const found = await api.scan(binding, { prefix, limit, cursor: cursors.at(-1) });
    if (mine !== asked) return false;
    page = found;
    byId('list-error').textContent = '';
  } catch (error) {
    if (mine !== asked) return false;
    page = { items: [], cursor: null };
    byId('list-error').textContent = api.explain(error);
  }
  byId('grid').removeAttribute('aria-busy');
  render();
  return true;
}

/** The same page again, after something changed. The focus stays where it is. */
async function refresh() {
  const rowNow = () => document.activeElement?.closest?.('#rows tr');
  const at = rowNow()?.sectionRowIndex;
  const focused = meanings.get(rowNow());
  if (!(await load())) return;
  grid.select((row) => meanings.get(row).item?.key === (entry.openKey() ?? undefined));
  // Where it was removed, the next one has its place.
  if (focused && !grid.focus((row) => isSame(meanings.get(row), focused), at)) byId('prefix').focus();
}

const isSame = (one, other) =>
  other.folder ? one.folder === other.folder : one.item?.key === other.item?.key;

function render() {
  const hasMore = page.cursor !== null;
  const rows = byId('folders').checked
    ? grouped(page.items, prefix, hasMore)
    : page.items.map((item) => ({ item }));
  grid.fill(rows.map(row));
  grid.select((row) => entry.openKey() !== null && meanings.get(row).item?.key === entry.openKey());
  byId('previous').disabled = cursors.length < 2;
  byId('next').disabled = !hasMore;
  const shown = page.items.length;
  byId('page').textContent = shown
    ? `Page ${cursors.length} · ${shown} ${shown === 1 ? 'entry' : 'entries'}`
    : '';
  const hasFailed = byId('list-error').textContent !== '';
  show(byId('list-empty'), shown === 0 && !hasFailed);
  byId('list-empty').textContent = hasMore
    ? 'None on this page; there may be more.'
    : prefix
      ? 'No entry has this prefix.'
      : 'There are no entries yet.';
}

/** What a key is called under the prefix: from the last folder on. */
function named(key) {
  const folders = steps(prefix).filter((step) => /[:/]$/u.test(step.prefix));
  const from = folders.at(-1)?.prefix.length ?? 0;
  return key.length > from ? key.slice(from) : key;
}

function row(meaning) {
  const name = make('td', { class: 'key' });
  const about = make('td', { class: 'end' });
  const element = make('tr', {}, name, about);
  if (meaning.folder !== undefined) {
    element.className = 'folder';
    writeLine(name, named(meaning.folder));
    const count = meaning.items.length;
    about.textContent = meaning.isOpen ? `${count} or more` : `${count} entries`;
  } else if (meaning.item.error) {
    element.className = 'failed';
    writeLine(name, meaning.item.key ?? 'A record without a key');
    about.textContent = 'cannot be read';
  } else {
    writeLine(name, named(meaning.item.key));
    tell(about, meaning.item);
  }
  meanings.set(element, meaning);
  return element;
}

function tell(cell, item) {
  const rest = item.countdown.left;
  cell.textContent = rest === null ? '–' : left(rest);
  cell.parentElement?.classList.toggle('expired', rest === 0);
}

everySecond(() => {
  for (const element of byId('rows').rows) {
    const item = meanings.get(element)?.item;
    if (item?.countdown && item.countdown.left !== null) tell(element.lastElementChild, item);
  }
});

function choose(meaning) {
  if (!meaning) return;
  if (meaning.folder !== undefined) go(meaning.folder);
  else if (meaning.item.key !== undefined) openKey(meaning.item.key);
}

async function openKey(key) {
  await entry.view(binding, key);
  grid.select((row) => meanings.get(row).item?.key === entry.openKey());
}

function writeSteps() {
  const item = (name, to) => {
    const button = make('button', { type: 'button', class: 'link' });
    writeLine(button, name);
    button.addEventListener('click', () => go(to));
    if (to === prefix) button.setAttribute('aria-current', 'location');
    return make('li', {}, button);
  };
  byId('crumbs').replaceChildren(
    item('All', ''),
    ...steps(prefix).map((step) => item(step.name, step.prefix)),
  );
}

byId('jump').addEventListener('submit', (event) => {
  event.preventDefault();
  go(byId('prefix').value);
});
byId('open').addEventListener('click', () => {
  const key = byId('prefix').value;
  if (key) openKey(key);
  else byId('prefix').focus();
});
byId('create').addEventListener('click', () => entry.create(binding, prefix));
byId('reload').addEventListener('click', load);
byId('folders').addEventListener('change', render);
byId('limit').addEventListener('change', () => list(prefix));
byId('previous').addEventListener('click', async () => {
  cursors.pop();
  if (await load()) byId('list-scroll').scrollTop = 0;
});
byId('next').addEventListener('click', async () => {
  cursors.push(page.cursor);
  if (await load()) byId('list-scroll').scrollTop = 0;
});
byId('binding').addEventListener('change', async (event) => {
  const wanted = event.target.value;
  event.target.value = binding;
  if (!(await entry.leave())) return;
  if (entry.openKey() !== null || !byId('entry').hidden) entry.close();
  event.target.value = wanted;
  binding = wanted;
  list('');
});
