//! What a key has left of its rate.

use std::num::NonZeroU32;
use std::time::Duration;

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use super::rate::Rate;

type Limiter<C> = RateLimiter<NotKeyed, InMemoryState, C, StateInformationMiddleware>;

/// What a key has left of its rate.
#[derive(Debug)]
pub(crate) struct Allowance<C: Clock = DefaultClock> {
    rate: Rate,
    clock: C,
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

impl<C: Clock + Clone> Allowance<C> {
    pub(crate) fn new(rate: Rate, clock: C) -> Self {
        let quota = Quota::with_period(rate.interval())
            // An interval is never zero.
            .unwrap_or_else(|| Quota::per_second(NonZeroU32::MIN))
            .allow_burst(rate.requests);
        let limiter = RateLimiter::direct_with_clock(quota, clock.clone()).with_middleware();
        Self { rate, clock, limiter }
    }

    /// The rate that it is of.
    pub(crate) fn rate(&self) -> Rate {
        self.rate
    }

    /// Takes one request from it.
    pub(crate) fn take(&self) -> Verdict {
        match self.limiter.check() {
            Ok(state) => Verdict { rate: self.rate, remaining: state.remaining_burst_capacity(), wait: None },
            Err(refused) => {
                let wait = refused.wait_time_from(self.clock.now());
                Verdict { rate: self.rate, remaining: 0, wait: Some(wait) }
            }
        }
    }
}

impl Verdict {
    /// Whether the request must not be made now.
    pub(crate) fn is_refusal(&self) -> bool {
        self.wait.is_some()
    }

    /// Seconds, rounded up, after which a request may be made again.
    fn retry_after(&self) -> Option<u64> {
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

    #[test]
    fn it_is_spent_and_comes_back() {
        let clock = FakeRelativeClock::default();
        let allowance = Allowance::new("3/m".parse().expect("a rate"), clock.clone());
        for left in (0..3).rev() {
            assert_eq!(allowance.take().remaining, left);
        }
        let refused = allowance.take();
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
        assert!(!allowance.take().is_refusal());
        assert!(allowance.take().is_refusal());
    }
}
