// Questions that must be answered before something goes on. Escape is a no.

import { byId, choose, chosen, writeLine } from './dom.js';
import { parse } from './lifetime.js';

/** Opens a dialog until it is closed. */
function open(dialog) {
  dialog.returnValue = '';
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue), { once: true });
    dialog.showModal();
  });
}

const ask = byId('ask');
byId('ask-no').addEventListener('click', () => ask.close());
byId('ask-yes').addEventListener('click', () => ask.close('yes'));

/** Asks whether to do something that cannot be undone. */
export async function confirm({ title, text, subject, action }) {
  byId('ask-title').textContent = title;
  byId('ask-text').textContent = text;
  writeLine(byId('ask-subject'), subject);
  byId('ask-yes').textContent = action;
  const answer = open(ask);
  // Not the one that does it.
  byId('ask-no').focus();
  return (await answer) === 'yes';
}

const dialog = byId('lifetime-dialog');
const ttl = byId('lifetime-ttl');
byId('lifetime-no').addEventListener('click', () => dialog.close());
ttl.addEventListener('input', () => choose('lifetime', 'for'));

/**
 * Asks for a lifetime, and gives it to `set`: milliseconds, or null to stay. What `set` throws is shown, and what was
 * typed stays until it worked or the person gives up.
 */
export async function askLifetime(subject, millis, explain, set) {
  writeLine(byId('lifetime-subject'), subject);
  choose('lifetime', millis === null ? 'never' : 'for');
  ttl.value = '';
  byId('lifetime-error').textContent = '';
  byId('lifetime-form').onsubmit = async (event) => {
    event.preventDefault();
    const fail = (text) => {
      byId('lifetime-error').textContent = text;
      ttl.focus();
    };
    let chosenMillis = null;
    try {
      if (chosen('lifetime') === 'for') chosenMillis = parse(ttl.value);
    } catch (error) {
      fail(error.message);
      return;
    }
    try {
      await set(chosenMillis);
      dialog.close('set');
    } catch (error) {
      fail(explain(error));
    }
  };
  return (await open(dialog)) === 'set';
}
