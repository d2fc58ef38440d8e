// A chart of the last minutes: lines to see, a cursor that arrows and pointers move, and a table with every number.

import { make } from './dom.js';

const SVG = 'http://www.w3.org/2000/svg';
const HEIGHT = 132;
/** How many seconds are in sight, whether or not there is something of all of them. */
const SPAN = 300;
const PAD = { top: 8, right: 8, bottom: 20, left: 44 };

function draw(name, attributes, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
  element.append(...children);
  return element;
}

/** The least of 1, 2, 5, 10, 20 and so on that is not below. */
export function ceiling(value, least) {
  const wanted = Math.max(value, least);
  const power = 10 ** Math.floor(Math.log10(wanted));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= wanted * (1 - 1e-9));
}

export const clockTime = (at) => new Date(at * 1_000).toLocaleTimeString('en-GB');

export class Chart {
  #about;
  #points = [];
  #cursor = null;
  #svg = draw('svg', { class: 'plot', tabindex: '0', role: 'slider', focusable: 'true' });
  #now = make('p', { class: 'now' });
  #table = make('table', {});
  #details;

  /**
   * `series` is what there is to see, each with a `name` and what it is `of` a point; `least` is the least top of the axis.
   * `show` writes a number with its unit, `tick` writes it at the axis.
   */
  constructor(about) {
    this.#about = about;
    const title = make('h3', { id: `${about.id}-title` }, about.title);
    this.#svg.setAttribute('aria-labelledby', title.id);
    const legend = make('ul', { class: 'legend' });
    about.series.forEach((one, at) => legend.append(make('li', { class: `series-${at}` }, one.name)));
    const scroll = make(
      'div',
      { class: 'numbers', tabindex: '0', role: 'region', 'aria-label': `${about.title}, in numbers` },
      this.#table,
    );
    this.#details = make('details', {}, make('summary', {}, 'In numbers'), scroll);
    this.element = make(
      'article',
      { class: 'chart card' },
      make('div', { class: 'chart-head' }, title, legend, this.#now),
      this.#svg,
      this.#details,
    );
    this.#svg.addEventListener('pointermove', (event) => this.#point(event));
    this.#svg.addEventListener('pointerleave', () => this.#stand(null));
    this.#svg.addEventListener('keydown', (event) => this.#press(event));
    this.#svg.addEventListener('blur', () => this.#stand(null));
    this.#details.addEventListener('toggle', () => this.#list());
    new ResizeObserver(() => this.#paint()).observe(this.#svg);
  }

  /** Shows these points, the oldest first. */
  update(points) {
    const at = this.#cursor === null ? null : this.#points[this.#cursor]?.at;
    this.#points = points;
    // The cursor stays at its second while the seconds move.
    const moved = points.findIndex((point) => point.at === at);
    this.#cursor = at === null ? null : Math.max(moved, 0);
    this.#paint();
    this.#list();
  }

  #x(at) {
    const width = this.#svg.clientWidth - PAD.left - PAD.right;
    return PAD.left + (width * (SPAN - this.#points.length + at)) / (SPAN - 1);
  }

  #paint() {
    const { series, least, tick, show } = this.#about;
    const width = this.#svg.clientWidth;
    if (!width) return;
    const values = this.#points.flatMap((point) => series.map((one) => one.of(point) ?? 0));
    const top = ceiling(
      values.reduce((most, value) => Math.max(most, value), 0),
      least,
    );
    const y = (value) => PAD.top + (HEIGHT - PAD.top - PAD.bottom) * (1 - value / top);
    const marks = [0, top / 2, top].flatMap((value) => [
      draw('line', { class: 'rule', x1: PAD.left, x2: width - PAD.right, y1: y(value), y2: y(value) }),
      draw('text', { class: 'tick', x: PAD.left - 6, y: y(value) + 4, 'text-anchor': 'end' }, tick(value)),
    ]);
    const last = this.#points.at(-1)?.at;
    const times = [0, 1, 2, 3, 4, 5].flatMap((minutes) => {
      if (last === undefined || (minutes % 5 && width < 500)) return [];
      const x = this.#x(this.#points.length - 1 - minutes * 60);
      const anchor = minutes === 0 ? 'end' : minutes === 5 ? 'start' : 'middle';
      return [
        draw(
          'text',
          { class: 'tick', x: Math.max(x, PAD.left), y: HEIGHT - 4, 'text-anchor': anchor },
          clockTime(last - minutes * 60),
        ),
      ];
    });
    const lines = series.flatMap((one, place) => this.#line(one, y, `series-${place}`));
    const cursor =
      this.#cursor === null
        ? []
        : [
            draw('line', {
              class: 'cursor',
              x1: this.#x(this.#cursor),
              x2: this.#x(this.#cursor),
              y1: PAD.top,
              y2: HEIGHT - PAD.bottom,
            }),
          ];
    this.#svg.setAttribute('viewBox', `0 0 ${width} ${HEIGHT}`);
    this.#svg.replaceChildren(...marks, ...lines, ...times, ...cursor);
    const shown = this.#points[this.#cursor ?? this.#points.length - 1];
    const said = shown
      ? series.map((one) => `${one.name} ${show(one.of(shown))}`).join(' · ')
      : 'No request yet';
    const when = shown ? clockTime(shown.at) : '';
    this.#now.replaceChildren(make('span', { class: 'when' }, when), ` ${said}`);
    this.#svg.setAttribute('aria-valuemin', '0');
    this.#svg.setAttribute('aria-valuemax', String(Math.max(this.#points.length - 1, 0)));
    this.#svg.setAttribute('aria-valuenow', String(this.#cursor ?? Math.max(this.#points.length - 1, 0)));
    this.#svg.setAttribute('aria-valuetext', `${when} ${said}`);
  }

  /** A line, broken where there is no value, and a dot where one stands alone. */
  #line(one, y, name) {
    let path = '';
    let isDown = false;
    const dots = [];
    this.#points.forEach((point, at) => {
      const value = one.of(point);
      if (value === null) {
        isDown = false;
        return;
      }
      const isAlone =
        (this.#points[at - 1] === undefined || one.of(this.#points[at - 1]) === null) &&
        (this.#points[at + 1] === undefined || one.of(this.#points[at + 1]) === null);
      if (isAlone) dots.push(draw('circle', { class: `dot ${name}`, cx: this.#x(at), cy: y(value), r: 1.6 }));
      path += `${isDown ? 'L' : 'M'}${this.#x(at).toFixed(1)} ${y(value).toFixed(1)}`;
      isDown = true;
    });
    const shapes = [draw('path', { class: `line ${name}`, d: path || 'M0 0' }), ...dots];
    if (one.isFilled && this.#points.length > 1) {
      const area = `${path}L${this.#x(this.#points.length - 1).toFixed(1)} ${y(0)}L${this.#x(0)} ${y(0)}Z`;
      shapes.unshift(draw('path', { class: `area ${name}`, d: area }));
    }
    return shapes;
  }

  /** Every number, the newest first. Only while somebody looks. */
  #list() {
    if (!this.#details.open) return;
    const { series, show, title } = this.#about;
    const head = make(
      'tr',
      {},
      make('th', { scope: 'col' }, 'Time'),
      ...series.map((one) => make('th', { scope: 'col', class: 'end' }, one.name)),
    );
    const rows = this.#points
      .toReversed()
      .map((point) =>
        make(
          'tr',
          {},
          make('th', { scope: 'row' }, clockTime(point.at)),
          ...series.map((one) => make('td', { class: 'end' }, show(one.of(point)))),
        ),
      );
    this.#table.replaceChildren(
      make('caption', { class: 'vh' }, title),
      make('thead', {}, head),
      make('tbody', {}, ...rows),
    );
  }

  #stand(at) {
    this.#cursor = at;
    this.#paint();
  }

  #point(event) {
    if (!this.#points.length) return;
    const box = this.#svg.getBoundingClientRect();
    const share = (event.clientX - box.left - PAD.left) / Math.max(box.width - PAD.left - PAD.right, 1);
    const at = Math.round(share * (SPAN - 1)) - (SPAN - this.#points.length);
    this.#stand(Math.min(Math.max(at, 0), this.#points.length - 1));
  }

  #press(event) {
    const last = this.#points.length - 1;
    const at = this.#cursor ?? last;
    const moves = {
      ArrowLeft: at - 1,
      ArrowDown: at - 1,
      ArrowRight: at + 1,
      ArrowUp: at + 1,
      Home: 0,
      End: last,
      PageUp: at + 30,
      PageDown: at - 30,
    };
    if (!(event.key in moves) || last < 0) return;
    event.preventDefault();
    this.#stand(Math.min(Math.max(moves[event.key], 0), last));
  }
}
