//! The clock that follows the gateway's (T4).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use larder_core::{Clock, LATEST_EXPIRY, SKEW_BOUND, SystemClock, Timestamp};

/// A clock that goes on evenly from the time at which it was started, whoever sets the machine's.
///
/// A machine that sleeps may hold it up: then writes are refused as untimely until the gateway has told its time again.
#[derive(Debug)]
pub(crate) struct SteadyClock {
    started: Instant,
    at: Timestamp,
}

impl SteadyClock {
    pub(crate) fn start() -> Self {
        Self { started: Instant::now(), at: SystemClock.now() }
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> Timestamp {
        self.at.plus(self.started.elapsed())
    }
}

/// The gateway's clock, as far as its replies tell: this process's own, moved by how far the two are apart.
///
/// A reply bounds that: the gateway read its clock after the request was sent and before the reply was there. While what
/// is assumed lies within the bounds nothing changes, so that the clock does not waver with the network.
#[derive(Debug)]
pub(crate) struct ServerClock {
    own: Arc<dyn Clock>,
    /// Milliseconds that the gateway is ahead; [`UNKNOWN`] before the first reply.
    ahead: AtomicI64,
}

/// What was assumed about the gateway's clock at some moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Assumed(i64);

/// The skew bound in milliseconds.
const BOUND: i64 = SKEW_BOUND.as_millis() as i64;

const UNKNOWN: i64 = i64::MIN;

impl ServerClock {
    pub(crate) fn new(own: Arc<dyn Clock>) -> Self {
        Self { own, ahead: AtomicI64::new(UNKNOWN) }
    }

    /// The time by this process's own clock, to tell [`ServerClock::learn`] when a request was sent.
    pub(crate) fn own_now(&self) -> Timestamp {
        self.own.now()
    }

    /// How far the gateway is ahead, as far as is known.
    pub(crate) fn assumed(&self) -> Assumed {
        Assumed(self.ahead.load(Ordering::Relaxed))
    }

    /// Whether it turned out since then that another time was assumed than it was, beyond the skew bound.
    pub(crate) fn was_wrong(&self, then: Assumed) -> bool {
        let moved = self.ahead.load(Ordering::Relaxed).saturating_sub(then.0);
        then.0 != UNKNOWN && moved.saturating_abs() > BOUND
    }

    /// Learns what the gateway's clock showed between then and now.
    pub(crate) fn learn(&self, sent: Timestamp, server: Timestamp) {
        if server > LATEST_EXPIRY {
            return;
        }
        let (sent, received, server) = (millis(sent), millis(self.own.now()), millis(server));
        // A clock that was set back meanwhile says nothing about how long it took.
        let (least, most) = (server - received, server - sent.min(received));
        let ahead = self.ahead.load(Ordering::Relaxed);
        let learnt = match most - least <= 2 * BOUND {
            _ if (least..=most).contains(&ahead) => return,
            true => least + (most - least) / 2,
            // It took so long that the middle could be off by more than clocks may be.
            false if ahead == UNKNOWN => return,
            false => ahead.clamp(least, most),
        };
        self.ahead.store(learnt, Ordering::Relaxed);
    }

    /// Whether a reply has told what time it is there.
    pub(crate) fn is_known(&self) -> bool {
        self.ahead.load(Ordering::Relaxed) != UNKNOWN
    }
}

impl Clock for ServerClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.own.now().as_millis().saturating_add_signed(self.correction()))
    }

    fn correction(&self) -> i64 {
        match self.ahead.load(Ordering::Relaxed) {
            UNKNOWN => 0,
            ahead => ahead,
        }
    }
}

/// Times that can be told apart as numbers: no clock shows one after the year 9999.
fn millis(time: Timestamp) -> i64 {
    i64::try_from(time.min(LATEST_EXPIRY).as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use larder_core::ManualClock;

    use super::*;

    const HOURS: u64 = 3_600_000;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn a_clock_that_is_hours_off_shows_the_gateways_time() {
        for own in [at(10 * HOURS), at(30 * HOURS)] {
            let own = Arc::new(ManualClock::new(own));
            let clock = ServerClock::new(Arc::clone(&own) as Arc<dyn Clock>);
            clock.learn(clock.own_now(), at(20 * HOURS));
            assert_eq!(clock.now(), at(20 * HOURS));
            own.advance(Duration::from_millis(7));
            assert_eq!(clock.now(), at(20 * HOURS + 7));
        }
    }

    #[test]
    fn the_first_reply_is_believed_to_half_of_what_it_took() {
        let own = Arc::new(ManualClock::new(at(1_000)));
        let clock = ServerClock::new(Arc::clone(&own) as Arc<dyn Clock>);
        let sent = clock.own_now();
        own.advance(Duration::from_millis(100));
        clock.learn(sent, at(5_000));
        assert_eq!(clock.now(), at(5_050));
    }

    #[test]
    fn a_reply_that_took_too_long_tells_no_time() {
        let own = Arc::new(ManualClock::new(at(HOURS)));
        let clock = ServerClock::new(Arc::clone(&own) as Arc<dyn Clock>);
        let sent = clock.own_now();
        own.advance(Duration::from_millis(4_001));
        clock.learn(sent, at(5 * HOURS));
        assert!(!clock.is_known());
        clock.learn(clock.own_now(), at(5 * HOURS));
        assert!(clock.is_known());
        // What is known to be wrong moves all the same, as far as it must.
        let sent = clock.own_now();
        own.advance(Duration::from_millis(10_000));
        clock.learn(sent, at(8 * HOURS));
        assert_eq!(clock.now(), at(8 * HOURS));
    }

    #[test]
    fn a_slow_reply_changes_nothing_and_a_fast_one_mends() {
        let own = Arc::new(ManualClock::new(at(1_000)));
        let clock = ServerClock::new(Arc::clone(&own) as Arc<dyn Clock>);
        let sent = clock.own_now();
        own.advance(Duration::from_millis(1_000));
        // Read at the end of those 1,000 ms, so that the middle is 500 ms ahead of the truth.
        clock.learn(sent, at(9_000));
        assert_eq!(clock.now(), at(9_500));
        let sent = clock.own_now();
        own.advance(Duration::from_millis(2_000));
        clock.learn(sent, at(10_500));
        assert_eq!(clock.now(), at(11_500), "the reply allows for what was assumed");
        clock.learn(clock.own_now(), at(11_000));
        assert_eq!(clock.now(), at(11_000));
    }

    #[test]
    fn a_clock_set_back_between_request_and_reply_does_no_harm() {
        let own = Arc::new(ManualClock::new(at(5 * HOURS)));
        let clock = ServerClock::new(Arc::clone(&own) as Arc<dyn Clock>);
        let sent = clock.own_now();
        own.set(at(HOURS));
        clock.learn(sent, at(20 * HOURS));
        assert_eq!(clock.now(), at(20 * HOURS));
    }

    #[test]
    fn an_assumption_is_wrong_when_it_was_off_by_more_than_the_skew_bound() {
        let own = Arc::new(ManualClock::new(at(HOURS)));
        let clock = ServerClock::new(Arc::clone(&own) as Arc<dyn Clock>);
        let nothing = clock.assumed();
        clock.learn(clock.own_now(), at(5 * HOURS));
        assert!(!clock.was_wrong(nothing), "nothing was assumed");
        let assumed = clock.assumed();
        own.set(at(HOURS + 2_000));
        clock.learn(clock.own_now(), at(5 * HOURS));
        assert!(!clock.was_wrong(assumed));
        own.set(at(HOURS + 2_001));
        clock.learn(clock.own_now(), at(5 * HOURS));
        assert!(clock.was_wrong(assumed));
    }

    #[test]
    fn no_time_after_the_year_9999_is_believed() {
        let clock = ServerClock::new(Arc::new(ManualClock::new(at(1_000))));
        clock.learn(at(1_000), at(u64::MAX));
        assert_eq!(clock.now(), at(1_000));
    }
}
