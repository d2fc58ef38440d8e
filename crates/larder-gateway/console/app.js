// Begins: asks who the caller is, and for a key where one is wanted.

import * as api from './api.js';
import * as browse from './browse.js';
import { byId, show } from './dom.js';
import * as editor from './editor.js';
import * as scripts from './scripts.js';
import * as session from './session.js';
import * as tabs from './tabs.js';
import * as traffic from './traffic.js';

async function enter() {
  let me;
  try {
    me = await api.me();
  } catch (error) {
    lock(error);
    return;
  }
  show(byId('locked'), false);
  show(byId('forget'), session.hasKey());
  const parts = [me.keyId === null ? 'No key needed' : `Key ${me.keyId}`];
  if (me.namespace !== null) parts.push(`in ${me.namespace}`);
  parts.push(me.permissions.join(', '));
  byId('who').textContent = parts.join(' · ');
  show(byId('who'), true);
  browse.start(me);
  scripts.start(me);
  tabs.start((view) => {
    if (view === 'scripts') scripts.enter();
    if (view === 'traffic') traffic.enter();
    else traffic.leave();
  });
}

/** Asks for a key, or for another try. */
function lock(error) {
  const isFirst = error.status === 401 && !session.hasKey();
  if (error.status === 401) session.forget();
  tabs.stop();
  byId('locked-title').textContent =
    error.status === 401 ? 'This gateway wants an API key' : 'The gateway cannot be used now';
  byId('unlock-error').textContent = isFirst ? '' : api.explain(error);
  byId('key').required = error.status === 401;
  show(byId('locked'), true);
  byId('key').focus();
}

byId('unlock').addEventListener('submit', (event) => {
  event.preventDefault();
  const typed = byId('key').value;
  byId('key').value = '';
  byId('unlock-error').textContent = '';
  try {
    if (typed) session.unlock(typed);
  } catch (error) {
    byId('unlock-error').textContent = error.message;
    return;
  }
  enter();
});

byId('forget').addEventListener('click', async () => {
  if (!(await editor.leave())) return;
  session.forget();
  // Nothing that was read with the key stays in memory either.
  location.reload();
});

enter();
