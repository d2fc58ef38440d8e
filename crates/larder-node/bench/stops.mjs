// How long the event loop is stopped, and by what.

import { openSync, readSync } from "node:fs";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";

import { Collector, within } from "./collector.mjs";

const ROUND_MS = 100;
/** Stops that nobody minds. */
const SHORT_MS = 0.2;

/**
 * The longest stop of the loop while something is done again and again: the time from one turn to the next, less what is not
 * the work's own, which is told beside it.
 *
 * - `own`: all callbacks of a turn, with what they resume: the package's, the platform's (sockets, `fetch`) and the addon's.
 * - `collected`: what the engine's collector took of a stop at most, by its own trace. Whoever makes as many values of anything
 *   has it.
 * - `waited`: how long the loop's thread stood ready at most while other threads had the machine: other processes', such as
 *   the gateway, but also the addon's. Known on Linux only; elsewhere it is part of `own`.
 *
 * Of a stop with both, only the longer one is left out: the collector may have been what waited.
 *
 * What it does not see: what the first call costs, since all is done once before; work on other threads; stops of workers and
 * of browsers. What it takes for `own` and is not: the system's memory where that makes a thread wait for others, and what a
 * host takes of a virtual machine's time: see {@link stopsOfMachine}.
 */
export async function longestStop(work) {
  const collector = new Collector();
  await collector.start();
  const stops = [];
  let [last, lastWaited] = [performance.now(), waitedMs()];
  let isOver = false;
  let ended;
  // There is always a next turn to be taken, so that the loop never sleeps: all of it is work.
  const tick = () => {
    const [now, waited] = [performance.now(), waitedMs()];
    if (now - last > SHORT_MS) stops.push({ from: last, to: now, waited: waited - lastWaited });
    [last, lastWaited] = [now, waited];
    if (isOver) ended();
    else setImmediate(tick);
  };
  setImmediate(tick);
  const end = performance.now() + ROUND_MS;
  while (performance.now() < end) await work();
  isOver = true;
  // What the last work stopped counts, too.
  await new Promise((resolve) => { ended = resolve; });
  const steps = await collector.stop();
  collector.close();
  const parts = stops.map(({ from, to, waited }) => {
    const collected = within(steps, from, to);
    return { own: to - from - Math.max(collected, waited), collected, waited };
  });
  const most = (part, least) => Math.max(least, ...parts.map((stop) => stop[part]));
  return { own: most("own", SHORT_MS), collected: most("collected", 0), waited: most("waited", 0) };
}

/** The longest stops of as many rounds in which nothing is done, while the other cores are busy with nothing. */
export async function stopsOfMachine(rounds) {
  const spinning = Array.from({ length: availableParallelism() - 1 }, () => new Worker("for (;;);", { eval: true }));
  const stops = [];
  for (let round = 0; round < rounds; round += 1) {
    stops.push(await longestStop(() => new Promise((resolve) => setTimeout(resolve, 1))));
  }
  await Promise.all(spinning.map((one) => one.terminate()));
  return stops;
}

const buffer = Buffer.alloc(128);
const schedule = openSchedule();

/** The kernel's account of this thread. */
function openSchedule() {
  try {
    return openSync("/proc/thread-self/schedstat");
  } catch {
    return undefined;
  }
}

/** For how many milliseconds this thread has stood ready, and had no core, since it began. */
function waitedMs() {
  if (schedule === undefined) return 0;
  const length = readSync(schedule, buffer, 0, buffer.length, 0);
  // Nanoseconds that it ran, nanoseconds that it waited, and how many times.
  return Number(buffer.latin1Slice(0, length).split(" ")[1]) / 1e6;
}
