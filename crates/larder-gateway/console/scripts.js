// Running a script, and what it said.

import * as api from './api.js';
import { byId, make, show, writeLine, writeText } from './dom.js';
import { mistake, pretty } from './json.js';

let asked = 0;

/** Lists the scripts, where the gateway has any. */
export async function enter() {
  const mine = (asked += 1);
  let names = [];
  let problem = '';
  let isMissing = false;
  try {
    const { scripts } = await api.scripts();
    names = scripts.map((script) => script.name);
  } catch (error) {
    // A gateway without scripts has no such path.
    isMissing = error.status === 404 || error.status === 405;
    problem = isMissing ? '' : api.explain(error);
  }
  if (mine !== asked) return;
  byId('scripts-error').textContent = problem;
  show(byId('run'), names.length > 0);
  show(byId('scripts-empty'), !names.length && !problem);
  byId('scripts-empty').textContent = isMissing ? 'This gateway runs no scripts.' : 'No script is deployed here yet.';
  const kept = byId('script').value;
  byId('script').replaceChildren(...names.map((name) => make('option', { value: name }, name)));
  if (names.includes(kept)) byId('script').value = kept;
}

async function run() {
  const typed = byId('input').value.trim();
  const wrong = typed ? mistake(typed) : null;
  byId('run-error').textContent = wrong === null ? '' : `The input is no JSON: ${wrong}.`;
  if (wrong !== null) {
    byId('input').focus();
    return;
  }
  byId('run-button').disabled = true;
  const name = byId('script').value;
  const input = typed ? JSON.parse(typed) : undefined;
  const began = performance.now();
  try {
    const answer = await api.run(name, input);
    const took = Math.round(performance.now() - began);
    present(`${name} answered after ${took} ms`, JSON.stringify(answer, null, 2), []);
  } catch (error) {
    present(`${name} failed`, api.explain(error), error.details?.logs ?? []);
  } finally {
    byId('run-button').disabled = false;
  }
}

function present(title, output, logs) {
  writeLine(byId('result-title'), title);
  writeText(byId('output'), pretty(output) ?? output);
  byId('logs').replaceChildren(
    ...logs.map((log) => {
      const line = make('li', {});
      writeText(line, log);
      return line;
    }),
  );
  show(byId('result'), true);
  byId('result-title').focus();
}

byId('run').addEventListener('submit', (event) => {
  event.preventDefault();
  run();
});
