// Running a script: what it returned or how it failed, and what it logged.

import * as api from './api.js';
import { now } from './clock.js';
import { byId, make, show, writeLine, writeText } from './dom.js';
import { mistake, pretty } from './json.js';

let asked = 0;
let may = () => false;

/** Begins with what the caller may do. */
export function start(me) {
  may = (what) => me.permissions.includes(what);
}

/** Lists the scripts, where the gateway has any. */
export async function enter() {
  const mine = (asked += 1);
  let names = [];
  let problem = '';
  let isMissing = false;
  try {
    const { items } = await api.scripts();
    names = items.filter(({ error }) => error === undefined).map(({ name }) => name);
    problem = items.flatMap(damaged).join(' ');
  } catch (error) {
    // A gateway without scripts has no such path.
    isMissing = error.status === 404;
    problem = isMissing ? '' : api.explain(error);
  }
  if (mine !== asked) return;
  byId('scripts-error').textContent = problem;
  show(byId('run'), names.length > 0);
  show(byId('scripts-empty'), !names.length && !problem);
  byId('scripts-empty').textContent = isMissing
    ? 'This gateway runs no scripts.'
    : 'No script is deployed here yet.';
  const kept = byId('script').value;
  byId('script').replaceChildren(...names.map((name) => make('option', { value: name }, name)));
  if (names.includes(kept)) byId('script').value = kept;
}

/** Why a script of the list is not to be run, if it is damaged. */
function damaged({ name, error }) {
  return error === undefined ? [] : [`${name ?? 'A script'} is damaged: ${error.message} (${error.error}).`];
}

async function run() {
  const input = byId('input').value.trim();
  const wrong = input === '' ? null : mistake(input);
  byId('run-error').textContent = wrong === null ? '' : `The input is no JSON: ${wrong}.`;
  if (wrong !== null) {
    byId('input').focus();
    return;
  }
  byId('run-button').disabled = true;
  const name = byId('script').value;
  const since = now();
  try {
    const answer = await api.run(name, input);
    const took = Math.round(now() - since);
    present(`${name} returned after ${took} ms`, pretty(answer.text), await logged(name, answer.run));
  } catch (error) {
    present(`${name} failed`, told(error), {
      lines: error.details?.logs ?? [],
      note: error.details?.logsCut ? 'There was more than is kept.' : '',
    });
  } finally {
    byId('run-button').disabled = false;
  }
}

/** How it failed: in the gateway's words, and in the script's own. */
function told(error) {
  const { name, message, stack, line, column } = error.details ?? {};
  const own =
    message === undefined
      ? []
      : [`${name ?? 'Error'}: ${message}`, stack ?? (line === undefined ? '' : `at ${line}:${column}`)];
  const unsure = error instanceof api.Lost ? 'The script may have run, or may still.' : '';
  return [api.explain(error), unsure, ...own].filter(Boolean).join('\n');
}

/** What a run that returned has logged. Who may not deploy scripts may not read that. */
async function logged(name, id) {
  if (id === null) return { lines: [], note: '' };
  if (!may('scripts:write'))
    return { lines: [], note: 'It logged something; reading it takes the permission scripts:write.' };
  try {
    const log = await api.log(name, id);
    return { lines: log?.lines ?? [], note: log?.isCut ? 'There was more than is kept.' : '' };
  } catch (error) {
    return { lines: [], note: `The log cannot be read: ${api.explain(error)}` };
  }
}

function present(title, output, { lines, note }) {
  writeLine(byId('result-title'), title);
  writeText(byId('output'), output);
  byId('logs').replaceChildren(
    ...lines.map(({ level, text }) => {
      const said = make('span', {});
      writeText(said, text);
      return make('li', { class: `log-${level}` }, make('span', { class: 'level' }, level), said);
    }),
  );
  byId('log-note').textContent = note || (lines.length ? '' : 'Nothing was logged.');
  show(byId('logs'), lines.length > 0);
  show(byId('result'), true);
  byId('result-title').focus();
}

byId('run').addEventListener('submit', (event) => {
  event.preventDefault();
  run();
});
