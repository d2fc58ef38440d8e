//! How long to try, how to pause, and when to stop (E4).

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::time::SKEW_BOUND;
use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

/// The limits of an operation's attempts (E4).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// How long an operation may take with all its attempts; a page of a scan and a chunk of a batch each; 10 s.
    pub deadline: Duration,
    /// How long one attempt may take; 2 s. No process that shares a store should allow more than 2 s or than this, whichever
    /// is longer: what a lost reply proves rests on it.
    pub attempt_timeout: Duration,
    /// How long connecting may take; 1 s. Drivers that connect use it.
    pub connect_timeout: Duration,
    /// The longest first pause; 25 ms.
    pub backoff_min: Duration,
    /// The longest pause; 1 s.
    pub backoff_max: Duration,
    /// How many retries a binding has in reserve; ten successes earn one back; 100.
    pub budget: u32,
}

/// Longer than anybody waits, and short enough to be added to any point in time.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

impl RetryPolicy {
    /// The same limits, none of them longer than a day.
    pub(crate) fn clamped(self) -> Self {
        Self {
            deadline: self.deadline.min(LONGEST),
            attempt_timeout: self.attempt_timeout.min(LONGEST),
            connect_timeout: self.connect_timeout.min(LONGEST),
            backoff_min: self.backoff_min.min(LONGEST),
            backoff_max: self.backoff_max.min(LONGEST),
            budget: self.budget,
        }
    }

    /// How much older than an attempt a record's stamp must be to prove that the record was there before it.
    ///
    /// The clocks may differ by the skew bound, and the record's own attempt, made by a process with limits of its own, may
    /// have been under way for as long as attempts take.
    pub(crate) fn evidence_margin(&self) -> Duration {
        SKEW_BOUND + self.attempt_timeout.max(Self::default().attempt_timeout)
    }
    /// The least time that an attempt is begun with: a tenth of what it may take.
    pub(crate) fn shortest_attempt(&self) -> Duration {
        self.attempt_timeout.min(self.deadline) / 10
    }

    /// The least time that something is sent again with: what connecting may take, up to a quarter of all the time. Cut
    /// off while it connects, a write would be in doubt that was never sent, and an outage would be told as slowness.
    pub(crate) fn shortest_retry(&self) -> Duration {
        let connecting = self.connect_timeout.min(self.attempt_timeout).min(self.deadline / 4);
        connecting.max(self.shortest_attempt())
    }

    /// The longest pauses between attempts, doubling.
    pub(crate) fn backoff(&self) -> ExponentialBackoff {
        ExponentialBuilder::default()
            .with_min_delay(self.backoff_min)
            .with_max_delay(self.backoff_max)
            .with_factor(2.0)
            .without_max_times()
            .build()
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(10),
            attempt_timeout: Duration::from_secs(2),
            connect_timeout: Duration::from_secs(1),
            backoff_min: Duration::from_millis(25),
            backoff_max: Duration::from_secs(1),
            budget: 100,
        }
    }
}

/// Full jitter: any pause up to `longest` is as likely as any other.
pub(crate) fn jittered(longest: Duration) -> Duration {
    longest.mul_f64(rand::random::<f64>())
}

/// A token bucket of retries, so that an outage is not multiplied (E4).
#[derive(Debug)]
pub(crate) struct RetryBudget {
    tenths: AtomicU32,
    full: u32,
}

impl RetryBudget {
    const RETRY: u32 = 10;
    const SUCCESS: u32 = 1;

    pub(crate) fn new(retries: u32) -> Self {
        let full = retries.saturating_mul(Self::RETRY);
        Self { tenths: AtomicU32::new(full), full }
    }

    /// Takes one retry out; false when there is none.
    pub(crate) fn take(&self) -> bool {
        self.tenths
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |tenths| tenths.checked_sub(Self::RETRY))
            .is_ok()
    }

    /// Earns a tenth of a retry.
    pub(crate) fn succeeded(&self) {
        // A full bucket is the common case, and needs no write.
        if self.tenths.load(Ordering::Relaxed) < self.full {
            let _ = self.tenths.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |tenths| {
                Some(tenths.saturating_add(Self::SUCCESS).min(self.full))
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let longest: Vec<_> =
            RetryPolicy::default().backoff().take(8).map(|pause| pause.as_millis()).collect();
        assert_eq!(longest, [25, 50, 100, 200, 400, 800, 1_000, 1_000]);
    }

    #[test]
    fn jitter_is_full() {
        let pauses: Vec<_> = (0..200).map(|_| jittered(Duration::from_secs(1))).collect();
        assert!(pauses.iter().all(|pause| *pause < Duration::from_secs(1)));
        assert!(pauses.iter().any(|pause| *pause < Duration::from_millis(300)));
        assert!(pauses.iter().any(|pause| *pause > Duration::from_millis(700)));
    }

    #[test]
    fn a_spent_budget_is_earned_back_by_successes() {
        let budget = RetryBudget::new(2);
        assert!(budget.take() && budget.take() && !budget.take());
        for _ in 0..10 {
            budget.succeeded();
        }
        assert!(budget.take() && !budget.take());
    }
}
