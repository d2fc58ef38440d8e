//! How many requests each key may make.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use crate::keys::{KeyId, Rate};

type Limiter<C> = RateLimiter<NotKeyed, InMemoryState, C, StateInformationMiddleware>;

/// The allowances of all keys that have a rate.
///
/// Only keys that were found good get one, so that there are never more of them than keys.
#[derive(Debug)]
pub(crate) struct Limits<C: Clock = DefaultClock> {
    clock: C,
    allowances: Mutex<HashMap<KeyId, Arc<Allowance<C>>>>,
}

#[derive(Debug)]
struct Allowance<C: Clock> {
    rate: Rate,
    limiter: Limiter<C>,
}

/// Whether a request may be made, and what is left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Verdict {
    rate: Rate,
    remaining: u32,
    /// How long to wait; `None` when the request may be made.
    wait: Option<Duration>,
}

impl<C: Clock + Clone> Limits<C> {
    pub(crate) fn new(clock: C) -> Self {
        Self { clock, allowances: Mutex::default() }
    }

    /// Takes one request from a key's allowance.
    pub(crate) fn take(&self, id: KeyId, rate: Rate) -> Verdict {
        let allowance = {
            let mut allowances = self.allowances.lock().unwrap_or_else(PoisonError::into_inner);
            let allowance = allowances.entry(id).or_insert_with(|| self.allowance(rate));
            if allowance.rate != rate {
                *allowance = self.allowance(rate);
            }
            Arc::clone(allowance)
        };
        match allowance.limiter.check() {
            Ok(state) => Verdict { rate, remaining: state.remaining_burst_capacity(), wait: None },
            Err(refused) => {
                let wait = refused.wait_time_from(self.clock.now());
                Verdict { rate, remaining: 0, wait: Some(wait) }
            }
        }
    }

    /// Forgets the allowances of keys that are good no more.
    pub(crate) fn keep(&self, is_good: impl Fn(KeyId) -> bool) {
        self.allowances.lock().unwrap_or_else(PoisonError::into_inner).retain(|id, _| is_good(*id));
    }

    fn allowance(&self, rate: Rate) -> Arc<Allowance<C>> {
        let quota = Quota::with_period(rate.interval())
            // An interval is never zero.
            .unwrap_or_else(|| Quota::per_second(NonZeroU32::MIN))
            .allow_burst(rate.requests);
        let limiter = RateLimiter::direct_with_clock(quota, self.clock.clone()).with_middleware();
        Arc::new(Allowance { rate, limiter })
    }
}

impl Verdict {
    /// Whether the request must not be made now.
    pub(crate) fn is_refusal(&self) -> bool {
        self.wait.is_some()
    }

    /// Seconds, rounded up, after which a request may be made again.
    pub(crate) fn retry_after(&self) -> Option<u64> {
        self.wait.map(seconds)
    }

    /// Says in a reply what is left: `RateLimit-Limit`, `-Remaining`, `-Reset`, and `Retry-After` when it is refused.
    pub(crate) fn tell(&self, headers: &mut HeaderMap) {
        let used = self.rate.requests.get().saturating_sub(self.remaining);
        let reset = self.rate.interval().saturating_mul(used);
        for (name, number) in [
            ("ratelimit-limit", u64::from(self.rate.requests.get())),
            ("ratelimit-remaining", u64::from(self.remaining)),
            ("ratelimit-reset", seconds(reset)),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from(number));
        }
        if let Some(wait) = self.retry_after() {
            headers.insert(RETRY_AFTER, HeaderValue::from(wait));
        }
    }
}

fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    fn id(digit: u8) -> KeyId {
        format!("{digit:016x}").parse().expect("an id")
    }

    fn rate(text: &str) -> Rate {
        text.parse().expect("a rate")
    }

    #[test]
    fn an_allowance_is_spent_and_comes_back() {
        let clock = FakeRelativeClock::default();
        let limits = Limits::new(clock.clone());
        for left in (0..3).rev() {
            assert_eq!(limits.take(id(1), rate("3/m")).remaining, left);
        }
        let refused = limits.take(id(1), rate("3/m"));
        assert!(refused.is_refusal());
        assert_eq!(refused.retry_after(), Some(20));
        let mut headers = HeaderMap::new();
        refused.tell(&mut headers);
        let told = |name: &str| headers.get(name).expect("a header").to_str().expect("text").to_owned();
        assert_eq!(told("ratelimit-limit"), "3");
        assert_eq!(told("ratelimit-remaining"), "0");
        assert_eq!(told("ratelimit-reset"), "60");
        assert_eq!(told("retry-after"), "20");
        clock.advance(Duration::from_secs(20));
        assert!(!limits.take(id(1), rate("3/m")).is_refusal());
        assert!(limits.take(id(1), rate("3/m")).is_refusal());
    }

    #[test]
    fn one_key_does_not_use_up_what_another_has() {
        let limits = Limits::new(FakeRelativeClock::default());
        assert!(!limits.take(id(1), rate("1/h")).is_refusal());
        assert!(limits.take(id(1), rate("1/h")).is_refusal());
        assert!(!limits.take(id(2), rate("1/h")).is_refusal());
    }

    #[test]
    fn a_new_rate_holds_at_once_and_the_revoked_are_forgotten() {
        let limits = Limits::new(FakeRelativeClock::default());
        assert!(!limits.take(id(1), rate("1/h")).is_refusal());
        assert!(!limits.take(id(1), rate("2/h")).is_refusal());
        limits.keep(|key| key != id(1));
        assert!(limits.allowances.lock().expect("a lock").is_empty());
    }
}
