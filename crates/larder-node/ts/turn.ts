/**
 * The event loop's turns.
 *
 * What is at hand is answered at once, without a way through another thread, which costs more than the answer. But a loop
 * that awaits such answers never lets timers and sockets have their turn. So only this much of each turn is spent like that.
 */
const BUDGET_MS = 2;

let began: number | undefined;
/** Whether the time of this turn is known to be up: those who ask then do not look at a clock. */
let isSpent = false;
let isNextAwaited = false;

/** Those who wait for a turn with time left, in the order in which they came, and how many of them have been resumed. */
let waiting: (() => void)[] = [];
let resumed = 0;

const AT_ONCE = Promise.resolve();

/** Whether this turn has time left for work that is done at once. */
export function hasTime(): boolean {
  if (isSpent) return false;
  const now = performance.now();
  if (began === undefined) {
    began = now;
    awaitNext();
  }
  isSpent = now - began >= BUDGET_MS;
  return !isSpent;
}

/**
 * Whether this turn has time left, and nobody waits for one that has. Who may go on does its work at once: after an await,
 * all who asked at the same time would do theirs in this turn.
 */
export function mayGoOn(): boolean {
  return waiting.length === 0 && hasTime();
}

/** Waits for a turn with time left, behind those who wait already; goes on at once in one that has. */
export function untilTime(): Promise<void> {
  if (mayGoOn()) return AT_ONCE;
  awaitNext();
  return new Promise((resolve) => waiting.push(resolve));
}

/** One callback for all who wait: as many as wait would fill turns by themselves. */
function awaitNext(): void {
  if (isNextAwaited) return;
  isNextAwaited = true;
  soon(() => {
    isNextAwaited = false;
    began = undefined;
    isSpent = false;
    if (waiting.length > 0) void resume();
  });
}

/** Resumes one after the other, while the turn has time for what they do. */
async function resume(): Promise<void> {
  while (resumed < waiting.length && hasTime()) {
    waiting[resumed]?.();
    resumed += 1;
    // Whoever was resumed does its work before the time is looked at.
    await AT_ONCE;
  }
  if (resumed === waiting.length) {
    waiting = [];
    resumed = 0;
  } else if (resumed > waiting.length >> 1) {
    // Not one by one: each would move all the others.
    waiting = waiting.slice(resumed);
    resumed = 0;
  }
  if (waiting.length > 0) awaitNext();
}

/** Calls back in the next turn, with events of the turn in between. */
const soon: (callback: () => void) => void = chooseSoon();

function chooseSoon(): (callback: () => void) => void {
  const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => unknown };
  if (setImmediate !== undefined) return (callback) => void setImmediate(callback);
  if (typeof MessageChannel === "undefined") return (callback) => void setTimeout(callback, 0);
  // Browsers delay timers that set timers by 4 ms; messages they do not.
  const { port1, port2 } = new MessageChannel();
  // One callback at most is under way.
  return (callback) => {
    port1.onmessage = callback;
    port2.postMessage(undefined);
  };
}
