import { isRetryable } from "../errors.js";
import { mayGoOn, untilTime } from "../turn.js";
import { attempt, type Call, type Reply } from "./attempt.js";
import type { Endpoint } from "./endpoint.js";
import type { Failure } from "./problem.js";
import { pause, pauseMs, RetryBudget } from "./retry.js";

/**
 * What sending a request a second time does, where the first may have been applied.
 *
 * - `read`: nothing; it changes nothing.
 * - `repeatable`: the same as the first, as an unconditional put.
 * - `once`: harm. An increment would count twice, and a put that made the entry would be told that somebody else did.
 */
export type Effect = "read" | "repeatable" | "once";

/** What a request came to with all its attempts. */
export type Outcome =
  /** It was answered; `before` tells of a write whether an attempt before that one may have been applied, or may still be. */
  | { reply: Reply; before: "nothing" | "doubt" }
  | { failure: Failure };

/** The least time that an attempt is begun with. */
const LEAST_MS = 100;

/** Sends requests with all their attempts (E4, P4). */
export class Requester {
  readonly #endpoint: Endpoint;
  readonly #budget = new RetryBudget();

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
  }

  /**
   * Sends a request until it is answered, cannot be, or the time is up.
   *
   * A write that gives a lifetime is sent again with what remains of it, and not when none does. One that may have been
   * applied fails as `Ambiguous`, whatever its last attempt came to. Rejects only with the signal's reason.
   */
  async send(call: Call, effect: Effect, signal: AbortSignal | undefined): Promise<Outcome> {
    const began = performance.now();
    const deadline = began + this.#endpoint.timeoutMs;
    let current = call;
    let isInDoubt = false;
    for (let attempts = 0; ; attempts += 1) {
      // Whoever sends thousands of requests at once stops the event loop with them.
      if (!mayGoOn()) await untilTime();
      const left = deadline - performance.now();
      const result = await attempt(this.#endpoint, current, Math.min(left, this.#endpoint.attemptTimeoutMs), signal);
      if ("reply" in result) {
        this.#budget.succeeded();
        return { reply: result.reply, before: isInDoubt ? "doubt" : "nothing" };
      }
      const { failure } = result;
      const wasInDoubt = isInDoubt;
      isInDoubt ||= effect !== "read" && failure.applied === "unknown";
      const wait = pauseMs(attempts, failure.retryAfterMs);
      const hasTime = deadline - performance.now() - wait >= LEAST_MS && lives(call, performance.now() - began + wait);
      if (!mayRepeat(failure, effect) || !hasTime || !this.#budget.take()) {
        // What the gateway says of the last attempt does not tell what became of those before.
        const told = wasInDoubt ? { ...failure, problem: undefined } : failure;
        return { failure: isInDoubt ? ambiguous(told) : told };
      }
      await pause(wait, signal);
      current = aged(call, performance.now() - began);
    }
  }
}

/** Whether what is written lives longer than this. */
function lives({ expiring }: Call, elapsedMs: number): boolean {
  return expiring === undefined || expiring.ttlMs - elapsedMs >= 1;
}

/** The same write with what remains of its lifetime: an entry ends when the first attempt said (T1), and never later. */
function aged(call: Call, elapsedMs: number): Call {
  const { expiring } = call;
  // At least one, should the pause have been longer than it was to be.
  return expiring === undefined ? call : { ...call, ...expiring.saying(Math.max(1, Math.floor(expiring.ttlMs - elapsedMs))) };
}

function mayRepeat(failure: Failure, effect: Effect): boolean {
  return isRetryable(failure.kind) && (failure.applied === "no" || effect !== "once");
}

/** The same failure, of a write that may have been applied. */
export function ambiguous(failure: Failure): Failure {
  if (failure.kind === "Ambiguous") return failure;
  const advice = "the write may have been applied, or may still be; read the key before you write again";
  return { ...failure, kind: "Ambiguous", applied: "unknown", message: `${failure.message}: ${advice}` };
}
