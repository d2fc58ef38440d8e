//! The clock of handles, which can be held still.

use larder::{Clock, SystemClock, Timestamp};

tokio::task_local! {
    static MOMENT: Timestamp;
}

/// The machine's clock, but for what runs [at a moment](at).
///
/// Entries are written with a lifetime, and expire by the clock that their handle reads then. Held still from when a
/// lifetime is computed until the entry is written, the clock gives back exactly the expiry that it was computed from.
#[derive(Debug)]
pub(crate) struct HeldClock;

impl Clock for HeldClock {
    fn now(&self) -> Timestamp {
        MOMENT.try_with(|moment| *moment).unwrap_or_else(|_| SystemClock.now())
    }
}

/// Runs some work at a moment: handles with a [`HeldClock`] read no other time in it.
pub(crate) async fn at<T>(moment: Timestamp, work: impl Future<Output = T>) -> T {
    MOMENT.scope(moment, work).await
}

/// What time it is.
pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_clock_stands_still_for_its_own_task_alone() {
        let moment = Timestamp::from_millis(1_000);
        at(moment, async {
            assert_eq!(HeldClock.now(), moment);
            let other = tokio::spawn(async { HeldClock.now() });
            assert!(other.await.expect("no panic") > moment);
        })
        .await;
        assert!(HeldClock.now() > moment);
    }
}
