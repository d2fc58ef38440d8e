/**
 * The event loop's turns.
 *
 * What is at hand is answered at once, without a way through another thread, which costs more than the answer. But a loop
 * that awaits such answers never lets timers and sockets have their turn. So only this much of each turn is spent like that.
 */
const BUDGET_MS = 2;

let began: number | undefined;

/** Whether this turn has time left for work that is done at once. */
export function hasTime(): boolean {
  const now = performance.now();
  if (began === undefined) {
    began = now;
    soon(() => {
      began = undefined;
    });
    return true;
  }
  return now - began < BUDGET_MS;
}

/** Waits for a turn with time left; returns at once in one that has. */
export async function untilTime(): Promise<void> {
  while (!hasTime()) await new Promise<void>((resolve) => soon(resolve));
}

/** Calls back in the next turn, with events of the turn in between. */
const soon: (callback: () => void) => void = chooseSoon();

function chooseSoon(): (callback: () => void) => void {
  const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => unknown };
  if (setImmediate !== undefined) return (callback) => void setImmediate(callback);
  if (typeof MessageChannel === "undefined") return (callback) => void setTimeout(callback, 0);
  // Browsers delay timers that set timers by 4 ms; messages they do not.
  const waiting: (() => void)[] = [];
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => waiting.shift()?.();
  return (callback) => {
    waiting.push(callback);
    port2.postMessage(undefined);
  };
}
