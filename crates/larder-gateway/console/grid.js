// A table that is walked with arrows: one of its rows can be tabbed to, and the arrows move which.

/** How many rows a page key moves. */
const LEAP = 10;

export class Grid {
  #body;
  #onOpen;
  #onUp;

  /** `onOpen` gets the row that was chosen; `onUp` is called to leave what is listed. */
  constructor(body, onOpen, onUp) {
    this.#body = body;
    this.#onOpen = onOpen;
    this.#onUp = onUp;
    body.addEventListener('keydown', (event) => this.#press(event));
    body.addEventListener('click', (event) => {
      const row = event.target.closest('tr');
      if (!row || String(getSelection())) return;
      this.#stand(row);
      onOpen(row);
    });
    body.addEventListener('focusin', (event) => this.#stand(event.target.closest('tr')));
  }

  /** Puts other rows there. */
  fill(rows) {
    this.#body.replaceChildren(...rows);
    for (const row of rows) row.tabIndex = -1;
    if (rows.length) rows[0].tabIndex = 0;
  }

  /** Moves the focus to a row: the one that `isIt` says, or the one at that place. Says whether there is any. */
  focus(isIt = () => true, at = 0) {
    const rows = [...this.#body.rows];
    const row = rows.find(isIt) ?? rows[Math.min(at, rows.length - 1)];
    row?.focus();
    return row !== undefined;
  }

  /** Marks the row that is open, or none. */
  select(isIt) {
    for (const row of this.#body.rows) {
      if (isIt(row)) row.setAttribute('aria-selected', 'true');
      else row.removeAttribute('aria-selected');
    }
  }

  #stand(row) {
    if (!row) return;
    for (const other of this.#body.rows) other.tabIndex = other === row ? 0 : -1;
  }

  #press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const rows = [...this.#body.rows];
    const at = rows.indexOf(event.target.closest('tr'));
    const moves = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      Home: 0,
      End: rows.length - 1,
      PageDown: at + LEAP,
      PageUp: at - LEAP,
    };
    if (event.key in moves) rows[Math.min(Math.max(moves[event.key], 0), rows.length - 1)]?.focus();
    else if (event.key === 'Enter' || event.key === 'ArrowRight') this.#onOpen(rows[at]);
    else if (event.key === 'Backspace' || event.key === 'ArrowLeft') this.#onUp();
    else return;
    event.preventDefault();
  }
}
