// When the engine's collector had JavaScript's thread.

import { Session } from "node:inspector/promises";

/** Collections and the marking that prepares them, and what is done beside them, such as sweeping. */
const CATEGORIES = ["v8", "disabled-by-default-v8.gc"];

/**
 * The collector as the engine traces it. A `PerformanceObserver` tells of whole collections alone, and not of what
 * JavaScript's thread does between them: marking, by steps of up to ten milliseconds where many arrays are made, and
 * sweeping those that are gone.
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
    const steps = this.#events
      .filter(({ name, ph, tid }) => ph === "X" && name.startsWith("V8.GC") && isOwn(tid))
      .map(({ ts, dur }) => ({ from: ts / 1e3 - ORIGIN_MS, to: (ts + dur) / 1e3 - ORIGIN_MS }))
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

/**
 * Whether a step was done by this process's first thread: others do a part, and stop nobody. Known on Linux only, where that
 * thread has the number of the process; elsewhere nothing is left out.
 */
function isOwn(tid) {
  return tid === process.pid;
}

/** Steps that are part of others, such as those of a whole collection, count once. */
function apart(steps) {
  const all = [];
  for (const { from, to } of steps) {
    const last = all.at(-1);
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
    else all.push({ from, to });
  }
  return all;
}

/** When `performance.now()` was zero by the clock of the trace: of several looks, the one that nothing came between. */
const ORIGIN_MS = originMs();

function originMs() {
  const looks = Array.from({ length: 100 }, () => {
    const before = performance.now();
    const traced = Number(process.hrtime.bigint()) / 1e6;
    const after = performance.now();
    return { origin: traced - (before + after) / 2, took: after - before };
  });
  return looks.reduce((best, look) => (look.took < best.took ? look : best)).origin;
}
