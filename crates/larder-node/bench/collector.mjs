// When the engine's collector had JavaScript's thread.

import { Session } from "node:inspector/promises";

/** Of `v8` are the collections and the steps that prepare them; of the other one, what is done behind them, such as sweeping. */
const CATEGORIES = ["v8", "disabled-by-default-v8.gc"];
/**
 * Steps of the collector, as the engine traces them. A `PerformanceObserver` tells of whole collections alone, and not of what
 * JavaScript's thread does between them: marking, by steps of up to ten milliseconds where many arrays are made, and sweeping
 * those that are gone.
 */
export class Collector {
  #session = new Session();
  #events = [];

  constructor() {
    this.#session.connect();
    this.#session.on("NodeTracing.dataCollected", ({ params }) => this.#events.push(...params.value));
  }

  /** Begins to look. */
  async start() {
    this.#events = [];
    await this.#session.post("NodeTracing.start", { traceConfig: { includedCategories: CATEGORIES } });
  }

  /** Ends that; returns the steps since, none of which overlap: from when to when, as `performance.now()` has it. */
  async stop() {
    await this.#session.post("NodeTracing.stop");
    // Their clock is that of process.hrtime(), in microseconds.
    const origin = Number(process.hrtime.bigint()) / 1e6 - performance.now();
    const all = this.#events.filter(({ name, ph }) => ph === "X" && name.startsWith("V8.GC"));
    // Other threads do a part of it, and stop nobody. Collections are begun by this one alone.
    const own = new Set(all.filter(({ cat }) => cat === "v8").map(({ tid }) => tid));
    const steps = all
      .filter(({ tid }) => own.has(tid))
      .map(({ ts, dur }) => ({ from: ts / 1e3 - origin, to: (ts + dur) / 1e3 - origin }))
      .sort((a, b) => a.from - b.from);
    return apart(steps);
  }

  /** Lets go of the engine. */
  close() {
    this.#session.disconnect();
  }
}

/** What all of that took of a time. */
export function within(steps, from, to) {
  return steps.reduce((sum, step) => sum + Math.max(0, Math.min(to, step.to) - Math.max(from, step.from)), 0);
}

/** Steps that are part of others, such as a scavenge of a whole collection, count once. */
function apart(steps) {
  const all = [];
  for (const { from, to } of steps) {
    const last = all.at(-1);
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
    else all.push({ from, to });
  }
  return all;
}
