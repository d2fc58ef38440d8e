//! The limits of the handles that tests put faults before.

use std::time::Duration;

use larder_core::RetryPolicy;

/// An attempt has 1 s, pauses are short, and what an operation may try again is bounded by its deadline alone.
pub fn tireless(deadline: Duration) -> RetryPolicy {
    let mut policy = RetryPolicy::default();
    policy.attempt_timeout = Duration::from_secs(1);
    policy.deadline = deadline;
    policy.backoff_min = Duration::from_millis(1);
    policy.backoff_max = Duration::from_millis(50);
    policy.budget = 100_000;
    policy
}
