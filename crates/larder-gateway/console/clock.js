// Time: how long ago something was, and what is done every second.

const listeners = new Set();

/** Milliseconds of a clock that nobody sets. */
export const now = () => performance.now();

/** Calls back every second. */
export function everySecond(callback) {
  listeners.add(callback);
}

setInterval(() => listeners.forEach((callback) => callback()), 1_000);

/**
 * What is left of a lifetime that the gateway told. Its clock decides when an entry expires; only how long ago it said so
 * is measured here.
 */
export class Countdown {
  #millis;
  #since;

  /** `millis` were left at a moment of `now()`; null stays. */
  constructor(millis, since) {
    this.#millis = millis;
    this.#since = since;
  }

  /** Milliseconds, at least 0; null stays. */
  get left() {
    return this.#millis === null ? null : Math.max(0, this.#millis - (now() - this.#since));
  }
}
