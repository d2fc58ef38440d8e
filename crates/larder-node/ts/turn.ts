/**
 * The event loop's turns.
 *
 * What is at hand is answered at once, without a way through another thread, which costs more than the answer. But a loop
 * that awaits such answers never lets timers and sockets have their turn. So only this much of each turn is spent like that.
 */
const BUDGET_MS = 0.5;
/** Where nothing but work of microseconds is done, there is more: it ends soon behind its time, and each wait costs something. */
const LITTLE_BUDGET_MS = 2;
/**
 * A callback that was asked for so long ago is relied on by nobody else: what ends a request in its middle may drop its
 * microtasks as well. It may just be late, where the loop is busy; another one does no harm then.
 */
const LATE_MS = 10;
/** So many who begin a call are resumed before the time is looked at again. */
const CALLS_TOGETHER = 4;
/** The same of those whose calls take microseconds. */
const LITTLE_TOGETHER = 16;

const AT_ONCE = Promise.resolve();

/** What tells turns apart, and their time. */
export interface Loop {
  /** Calls back in the next turn, with events of the turn in between. */
  soon: (callback: () => void) => void;
  /** Milliseconds since some moment. */
  now: () => number;
}

/** Some who wait for the same moment. */
interface Party {
  readonly resumed: Promise<void>;
  readonly resume: () => void;
  /** How many more may join. */
  room: number;
  /** Whether they do what takes microseconds. */
  readonly isLittle: boolean;
}

/** How the turns of an event loop are shared. */
export class Turns {
  readonly #loop: Loop;
  #began: number | undefined;
  /** Whether the time of this turn is known to be up: those who ask then do not look at a clock. */
  #isSpent = false;
  #isLittleSpent = false;
  /** Whether anything else than work of microseconds was to be done in this turn. */
  #isShared = false;

  /** How many callbacks were asked for, and how many of them need not come any more: one was there after them. */
  #asked = 0;
  #settled = 0;
  /** When the last one was asked for, and whether nothing has run since but what asked for it: see {@link #isCovered}. */
  #askedAt = 0;
  #isFresh = false;
  readonly #settle = () => void (this.#isFresh = false);

  /** Those who wait for a turn with time left, in the order in which they came, and how many parties have been resumed. */
  #waiting: Party[] = [];
  #resumed = 0;
  #isResuming = false;

  constructor(loop: Loop) {
    this.#loop = loop;
  }

  /** Whether this turn has time left for work that is done at once. */
  hasTime(): boolean {
    this.#isShared = true;
    if (!this.#isSpent) this.#look();
    return !this.#isSpent;
  }

  /** The same for work of microseconds. */
  hasLittleTime(): boolean {
    if (!this.#isLittleSpent) this.#look();
    return !this.#isLittleSpent;
  }

  #look(): void {
    const now = this.#loop.now();
    if (this.#began === undefined) {
      this.#began = now;
      if (this.#asked === this.#settled) this.#askForNext(now);
    }
    this.#isSpent = now - this.#began >= BUDGET_MS;
    this.#isLittleSpent = now - this.#began >= (this.#isShared ? BUDGET_MS : LITTLE_BUDGET_MS);
  }

  /**
   * Whether this turn has time left, and nobody waits for one that has. Who may go on does its work at once: after an await,
   * all who asked at the same time would do theirs in this turn.
   */
  mayGoOn(): boolean {
    return this.hasTime() && this.#waiting.length === 0;
  }

  /** Waits for a turn with time left, behind those who wait already; goes on at once in one that has. */
  untilTime(): Promise<void> {
    return this.mayGoOn() ? AT_ONCE : this.#wait(1, false);
  }

  /** The same to begin a call: of many who wait for that, some are resumed together, which costs them less. */
  untilCall(): Promise<void> {
    return this.#joined(false) ?? (this.mayGoOn() ? AT_ONCE : this.#wait(CALLS_TOGETHER, false));
  }

  /** The same for a call that is work of microseconds. */
  untilLittleTime(): Promise<void> {
    const mayGoOn = this.#waiting.length === 0 && this.hasLittleTime();
    return this.#joined(true) ?? (mayGoOn ? AT_ONCE : this.#wait(LITTLE_TOGETHER, true));
  }

  /** Joins the last party, where that has room for one like the others. */
  #joined(isLittle: boolean): Promise<void> | undefined {
    const last = this.#waiting.at(-1);
    if (last === undefined || last.room === 0 || last.isLittle !== isLittle) return undefined;
    if (!this.#isCovered(this.#loop.now())) return undefined;
    last.room -= 1;
    return last.resumed;
  }

  #wait(places: number, isLittle: boolean): Promise<void> {
    const now = this.#loop.now();
    if (!this.#isCovered(now)) this.#askForNext(now);
    let resume = () => {};
    const resumed = new Promise<void>((resolve) => (resume = resolve));
    this.#waiting.push({ resumed, resume, room: places - 1, isLittle });
    return resumed;
  }

  /**
   * Whether a callback comes for who begins to wait now. Nobody relies on one that was asked for in another turn: by a
   * request, maybe, that is over by now, and whose callbacks are dropped.
   *
   * Turns cannot be told apart. But microtasks never outlive theirs, so that what was asked for since the last one was asked
   * for in this. Many who begin to wait one behind the other have one callback together: as many would fill turns by
   * themselves.
   */
  #isCovered(now: number): boolean {
    if (now - this.#askedAt >= LATE_MS) return false;
    // Who resumes others asks at the end, which is in this turn.
    return this.#isResuming || (this.#waiting.length > 0 && this.#isFresh);
  }

  /** Asks for a callback, for all who wait. */
  #askForNext(now: number): void {
    this.#asked += 1;
    this.#askedAt = now;
    this.#isFresh = true;
    void AT_ONCE.then(this.#settle);
    const own = this.#asked;
    this.#loop.soon(() => {
      // Of several, the first that comes begins the turn.
      if (own <= this.#settled) return;
      this.#settled = this.#asked;
      this.#began = undefined;
      this.#isSpent = false;
      this.#isLittleSpent = false;
      this.#isShared = false;
      if (this.#waiting.length > 0) void this.#resume();
    });
  }

  /** Resumes one party after the other, while the turn has time for what they do. */
  async #resume(): Promise<void> {
    this.#isResuming = true;
    for (;;) {
      const party = this.#waiting[this.#resumed];
      if (party === undefined || !(party.isLittle ? this.hasLittleTime() : this.hasTime())) break;
      this.#resumed += 1;
      // Whoever comes from here on waits for another moment.
      party.room = 0;
      party.resume();
      // Whoever was resumed does its work before the time is looked at.
      await AT_ONCE;
    }
    if (this.#resumed === this.#waiting.length) {
      this.#waiting = [];
      this.#resumed = 0;
    } else if (this.#resumed > this.#waiting.length >> 1) {
      // Not one by one: each would move all the others.
      this.#waiting = this.#waiting.slice(this.#resumed);
      this.#resumed = 0;
    }
    this.#isResuming = false;
    // What was asked for since the callback was asked for in this turn.
    if (this.#waiting.length > 0 && this.#asked === this.#settled) this.#askForNext(this.#loop.now());
  }
}

const own = new Turns({ soon: chooseSoon(), now: () => performance.now() });

/** Whether this turn has time left for work of microseconds that is done at once. */
export function hasLittleTime(): boolean {
  return own.hasLittleTime();
}

/** Whether this turn has time left, and nobody waits for one that has: see {@link Turns.mayGoOn}. */
export function mayGoOn(): boolean {
  return own.mayGoOn();
}

/** Waits for a turn with time left, to begin a call: see {@link Turns.untilCall}. */
export function untilCall(): Promise<void> {
  return own.untilCall();
}

/** Waits for a turn with time left, to do what takes microseconds: see {@link Turns.untilLittleTime}. */
export function untilLittleTime(): Promise<void> {
  return own.untilLittleTime();
}

/** Waits for a turn with time left, behind those who wait already; goes on at once in one that has. */
export function untilTime(): Promise<void> {
  return own.untilTime();
}

function chooseSoon(): (callback: () => void) => void {
  const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => unknown };
  if (setImmediate !== undefined) return (callback) => void setImmediate(callback);
  if (typeof MessageChannel === "undefined") return (callback) => void setTimeout(callback, 0);
  // Browsers delay timers that set timers by 4 ms; messages they do not.
  const { port1, port2 } = new MessageChannel();
  return (callback) => {
    // Of several callbacks the last is called for each: the first call is in time for all of them.
    port1.onmessage = callback;
    port2.postMessage(undefined);
  };
}
