const BACKOFF_MIN_MS = 25;
const BACKOFF_MAX_MS = 1_000;
const TOKENS = 100;
const EARNED = 0.1;

/**
 * The retries that a handle has in reserve (E4): ten successes earn one back, so that an outage is not multiplied by
 * those who wait for its end.
 */
export class RetryBudget {
  #tokens = TOKENS;

  /** An operation has come to its end. */
  succeeded(): void {
    this.#tokens = Math.min(TOKENS, this.#tokens + EARNED);
  }

  /** Takes a retry; false when there is none. */
  take(): boolean {
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}

/** How long to wait before the next attempt: full jitter up to a bound that doubles, or as long as was asked for. */
export function pauseMs(attempt: number, retryAfterMs: number | undefined): number {
  const bound = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** attempt);
  return Math.max(Math.random() * bound, retryAfterMs ?? 0);
}

/** Waits; rejects with the signal's reason when it says stop, or has said so before. */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  // It calls nobody who begins to listen afterwards.
  if (signal?.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
