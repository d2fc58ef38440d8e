// What the gateway answers: how much, how fast, and what failed.

import * as api from './api.js';
import { Chart } from './chart.js';
import { byId, show } from './dom.js';

const EVERY = 2_000;
const AFTER_AN_ERROR = 10_000;
const KEPT = 300;

const count = (value) => (value ?? 0).toLocaleString('en');
const millis = (value) =>
  value === null
    ? '–'
    : `${value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : Math.round(value)} ms`;
const short = (value) =>
  Number(value.toPrecision(3)).toLocaleString('en', { notation: value >= 10_000 ? 'compact' : 'standard' });
const inMillis = (micros) => (micros === null ? null : micros / 1_000);

const charts = [
  new Chart({
    id: 'rate',
    title: 'Requests per second',
    series: [{ name: 'Requests', of: (point) => point.requests, isFilled: true }],
    least: 1,
    show: count,
    tick: short,
  }),
  new Chart({
    id: 'latency',
    title: 'Time to answer, in ms',
    series: [
      { name: 'p50', of: (point) => inMillis(point.p50Micros) },
      { name: 'p99', of: (point) => inMillis(point.p99Micros) },
    ],
    least: 0.1,
    show: millis,
    tick: short,
  }),
  new Chart({
    id: 'errors',
    title: 'Errors per second',
    series: [
      { name: 'Refused (4xx)', of: (point) => point.clientErrors },
      { name: 'Failed (5xx)', of: (point) => point.serverErrors },
    ],
    least: 1,
    show: count,
    tick: short,
  }),
];
byId('charts').append(...charts.map((chart) => chart.element));

let points = [];
let timer = null;
let isHere = false;
let isPaused = false;

/** Goes on while the view is there. */
export function enter() {
  isHere = true;
  next(0);
}

export function leave() {
  isHere = false;
  next(null);
}

function next(wait) {
  clearTimeout(timer);
  timer = wait === null || !isHere || isPaused || document.hidden ? null : setTimeout(poll, wait);
}

async function poll() {
  timer = null;
  let wait = EVERY;
  try {
    const last = points.at(-1)?.at ?? 0;
    const { seconds } = await api.stats(last);
    // A gap says that the gateway began anew, or that nobody asked for longer than it keeps them.
    const goesOn = seconds.length === 0 || seconds[0].at === last + 1;
    points = (goesOn ? [...points, ...seconds] : seconds).slice(-KEPT);
    byId('traffic-error').textContent = '';
    for (const chart of charts) chart.update(points);
    show(byId('charts'), true);
  } catch (error) {
    byId('traffic-error').textContent = api.explain(error);
    // Who may not see it now may not in two seconds either.
    wait = error.status === 403 ? null : Math.max(AFTER_AN_ERROR, Number(error.wait ?? 0) * 1_000);
    if (wait === null) show(byId('charts'), false);
  }
  if (timer === null) next(wait);
}

byId('pause').addEventListener('click', () => {
  isPaused = !isPaused;
  byId('pause').setAttribute('aria-pressed', String(isPaused));
  byId('pause').textContent = isPaused ? 'Go on' : 'Pause';
  next(isPaused ? null : 0);
});
document.addEventListener('visibilitychange', () => next(document.hidden ? null : 0));
