// The views, one at a time. Only the name of the view is in the address, so that keys are in no history.

import { byId, show } from './dom.js';

const VIEWS = ['entries', 'scripts', 'traffic'];
const titles = { entries: 'Entries', scripts: 'Scripts', traffic: 'Traffic' };

/** The view that the address names. */
export function current() {
  const named = location.hash.slice(1);
  return VIEWS.includes(named) ? named : VIEWS[0];
}

/** Shows the view that the address names, and tells `onChange` which it is. */
export function start(onChange) {
  const turn = () => {
    const view = current();
    for (const name of VIEWS) show(byId(name), name === view);
    for (const link of byId('views').querySelectorAll('a')) {
      if (link.hash === `#${view}`) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
    document.title = `${titles[view]} · Larder`;
    onChange(view);
  };
  show(byId('views'), true);
  window.onhashchange = turn;
  turn();
}

/** Shows none of them. */
export function stop() {
  window.onhashchange = null;
  show(byId('views'), false);
  for (const name of VIEWS) show(byId(name), false);
}

byId('skip').addEventListener('click', (event) => {
  event.preventDefault();
  byId('main').focus();
});
