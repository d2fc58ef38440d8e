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
 * - `collected`: what the engine's collector had of a stop, by its own trace. Whoever makes as many arrays of anything has it:
 *   see `makeArrays` beside the work.
 * - `waited`: how long the loop's thread stood ready while other threads had the machine: other processes', such as the
 *   gateway, but also the addon's.
 * - `stolen`: how long the host of a virtual machine had its core, where the host tells: the thread neither ran nor stood
 *   ready, and had never let go of its core, as it does where it waits for a lock, a disk or a page.
 *
 * Of the last three, the largest of all stops. They are known on Linux only; elsewhere they are part of `own`. Of a stop with
 * several, only the longest is left out: the collector may have been what waited, or was stopped by the host. A kernel that
 * accounts for interrupts apart takes those for the host's: whether it does says CONFIG_IRQ_TIME_ACCOUNTING.
 *
 * What it does not see: what the first call costs, since all is done once before; work on other threads; stops of workers and
 * of browsers. What it takes for `own` and is not: the system's memory where that makes a thread wait for others, and what a
 * host takes of a stop in which the thread had its core taken otherwise, too: see {@link stopsOfMachine}.
 */
export async function longestStop(work) {
  const collector = new Collector();
  await collector.start();
  const stops = [];
  let [last, lastAccount] = [performance.now(), account()];
  let isOver = false;
  let ended;
  // There is always a next turn to be taken, so that the loop never sleeps: all of it is work.
  const tick = () => {
    const [now, nowAccount] = [performance.now(), account()];
    if (now - last > SHORT_MS) stops.push({ from: last, to: now, ...machinesPart(now - last, lastAccount, nowAccount) });
    [last, lastAccount] = [now, nowAccount];
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
  const parts = stops.map(({ from, to, waited, stolen }) => {
    const collected = within(steps, from, to);
    return { own: to - from - Math.max(collected, waited, stolen), collected, waited, stolen };
  });
  const most = (part, least) => Math.max(least, ...parts.map((stop) => stop[part]));
  const others = { collected: most("collected", 0), waited: most("waited", 0), stolen: most("stolen", 0) };
  return { own: most("own", SHORT_MS), ...others };
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

/** The kernel's account of this thread, where there is one. */
function openSchedule() {
  try {
    return openSync("/proc/thread-self/schedstat");
  } catch {
    return undefined;
  }
}

/** For how long this thread has run, and has stood ready without a core, in milliseconds; how often it was given one. */
function account() {
  if (schedule === undefined) return undefined;
  // What a thread has run is brought up to date where somebody asks for its time, and not where the account is read.
  process.cpuUsage();
  const length = readSync(schedule, buffer, 0, buffer.length, 0);
  const [ran, waited, arrivals] = buffer.latin1Slice(0, length).split(" ").map(Number);
  return { ran: ran / 1e6, waited: waited / 1e6, arrivals };
}

/** What of a time was the machine's. */
function machinesPart(time, before, after) {
  if (before === undefined) return { waited: 0, stolen: 0 };
  const waited = after.waited - before.waited;
  const keptItsCore = before.arrivals === after.arrivals;
  return { waited, stolen: keptItsCore ? Math.max(0, time - (after.ran - before.ran)) : 0 };
}
