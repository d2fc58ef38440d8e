//! Timers that are used again.
//!
//! Arming a new timer takes the runtime's lock, and wakes a thread that sleeps when nothing else is due before. To put off
//! one that is armed already takes neither, and nearly every attempt is answered long before its time is up.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::Poll;

use tokio::runtime::{Handle, Id};
use tokio::time::{Instant, Sleep, sleep_until};

/// How many timers of a runtime are kept that nobody uses.
const MOST_IDLE: usize = 256;
/// Of how many runtimes: a program may have one for each processor, and others come and go.
const MOST_RUNTIMES: usize = 256;

type Timer = Pin<Box<Sleep>>;

/// The timers of a handle's attempts.
#[derive(Default)]
pub(super) struct Timers(Mutex<Vec<Idle>>);

/// Timers that nobody uses. They belong to the runtime that armed them.
struct Idle {
    runtime: Id,
    timers: Vec<Timer>,
}

impl Timers {
    /// Waits for the work until a time; `None` when it is not done by then. What is done at once needs no time and no timer.
    pub(super) async fn until<T>(
        &self,
        until: impl FnOnce() -> Instant,
        mut work: impl Future<Output = T> + Unpin,
    ) -> Option<T> {
        let mut until = Some(until);
        let mut armed = None;
        poll_fn(|context| {
            if let Poll::Ready(done) = Pin::new(&mut work).poll(context) {
                return Poll::Ready(Some(done));
            }
            if let Some(until) = until.take() {
                armed = Some(self.arm(until()));
            }
            match armed.as_mut().and_then(|armed| armed.timer.as_mut()) {
                Some(timer) => timer.as_mut().poll(context).map(|()| None),
                None => Poll::Ready(None),
            }
        })
        .await
    }

    fn arm(&self, until: Instant) -> Armed<'_> {
        let runtime = Handle::current().id();
        let timer = match self.of(runtime, Vec::pop) {
            Some(mut timer) => {
                timer.as_mut().reset(until);
                timer
            }
            None => Box::pin(sleep_until(until)),
        };
        Armed { timers: self, runtime, timer: Some(timer) }
    }

    /// Looks at those of a runtime that nobody uses.
    fn of<T>(&self, runtime: Id, look: impl FnOnce(&mut Vec<Timer>) -> T) -> T {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = all.iter().position(|idle| idle.runtime == runtime).unwrap_or_else(|| {
            if all.len() == MOST_RUNTIMES {
                // That of the one that came first, and has ended most likely.
                all.remove(0);
            }
            all.push(Idle { runtime, timers: Vec::new() });
            all.len() - 1
        });
        look(&mut all[place].timers)
    }
}

impl fmt::Debug for Timers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Timers(..)")
    }
}

/// A timer in use. It is given back also when the work is dropped.
struct Armed<'a> {
    timers: &'a Timers,
    runtime: Id,
    timer: Option<Timer>,
}

impl Drop for Armed<'_> {
    fn drop(&mut self) {
        let timer = self.timer.take();
        self.timers.of(self.runtime, |timers| {
            if timers.len() < MOST_IDLE {
                timers.extend(timer);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::time::Duration;

    use tokio::runtime::{Builder, Runtime};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_timer_that_is_used_again_keeps_the_new_time() {
        let timers = Timers::default();
        let started = Instant::now();
        let at = |millis| move || started + Duration::from_millis(millis);
        // Done at once; then twice too late, the second time sooner than the timer was armed for.
        assert_eq!(timers.until(at(5_000), ready(7)).await, Some(7));
        assert_eq!(timers.until(at(100), pending::<()>()).await, None);
        assert_eq!(started.elapsed(), Duration::from_millis(100));
        assert_eq!(timers.until(at(9_000), pending::<()>()).await, None);
        assert_eq!(started.elapsed(), Duration::from_millis(9_000));
        assert_eq!(idle(&timers), [1], "one was enough");
    }

    /// How many timers of each runtime nobody uses.
    fn idle(timers: &Timers) -> Vec<usize> {
        timers.0.lock().expect("no panic").iter().map(|idle| idle.timers.len()).collect()
    }

    fn runtime() -> Runtime {
        Builder::new_current_thread().enable_time().build().expect("a runtime")
    }

    #[test]
    fn each_runtime_has_timers_of_its_own_and_keeps_them() {
        let timers = Timers::default();
        let soon = || Instant::now() + Duration::from_millis(1);
        let runtimes = [runtime(), runtime()];
        for _ in 0..3 {
            for runtime in &runtimes {
                runtime.block_on(async {
                    assert_eq!(timers.until(soon, pending::<()>()).await, None);
                    assert_eq!(timers.until(soon, ready(1)).await, Some(1));
                });
            }
            assert!(idle(&timers).iter().all(|kept| *kept == 1), "{:?}", idle(&timers));
        }
        assert_eq!(idle(&timers).len(), 2);
        // One that has ended is not asked for its timers again.
        drop(runtimes);
        runtime().block_on(async { assert_eq!(timers.until(soon, pending::<()>()).await, None) });
        assert_eq!(idle(&timers), [1, 1, 1]);
    }

    #[test]
    fn of_many_runtimes_the_first_are_forgotten() {
        let timers = Timers::default();
        for _ in 0..MOST_RUNTIMES + 10 {
            runtime().block_on(async { assert_eq!(timers.until(Instant::now, pending::<()>()).await, None) });
        }
        assert_eq!(idle(&timers).len(), MOST_RUNTIMES);
    }
}
