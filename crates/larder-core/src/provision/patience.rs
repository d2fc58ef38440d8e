//! Asking a platform until it answers, and waiting until it has done something.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use crate::driver::DriverError;
use crate::error::{Error, ErrorKind, Result};
use crate::retry::{RetryPolicy, jittered};

/// The limits of requests that make stores: slower than those of data, and asked for by somebody who waits.
///
/// 5 minutes in all, 30 s for a request, pauses from 100 ms to 5 s.
pub fn default_patience() -> RetryPolicy {
    RetryPolicy {
        deadline: Duration::from_secs(300),
        attempt_timeout: Duration::from_secs(30),
        connect_timeout: Duration::from_secs(5),
        backoff_min: Duration::from_millis(100),
        backoff_max: Duration::from_secs(5),
        ..RetryPolicy::default()
    }
}

/// How far something has come that the platform does in its own time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress<T> {
    /// It is done.
    Done(T),
    /// The platform is still at it.
    Going,
}

/// Asks until there is an answer, or an error that no retry mends, or the time is up.
///
/// Only for requests that may be applied twice: all that a provisioner sends says what is to be, not what to add.
///
/// # Errors
///
/// The last attempt's.
pub async fn ask<T, F>(patience: &RetryPolicy, mut attempt: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<T, DriverError>>,
{
    let deadline = Instant::now() + patience.deadline;
    let mut pauses = patience.backoff();
    let mut last: Option<DriverError> = None;
    loop {
        let until = deadline.min(Instant::now() + patience.attempt_timeout);
        let error = match timeout_at(until, attempt()).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => error,
            // An attempt that had no time says less than the one before it.
            Err(_) if Instant::now() >= deadline => {
                return Err(last.unwrap_or_else(silent).into_error());
            }
            Err(_) => silent(),
        };
        let pause = jittered(pauses.next().unwrap_or(patience.backoff_max));
        let pause = pause.max(error.retry_after.unwrap_or_default());
        if !error.retryable || Instant::now() + pause + patience.shortest_attempt() >= deadline {
            return Err(error.into_error());
        }
        last = Some(error);
        sleep(pause).await;
    }
}

fn silent() -> DriverError {
    DriverError::unknown(ErrorKind::Timeout, "the platform did not answer in time")
}

/// Looks again and again until something is done; [`Progress::Going`] when the time is up first.
///
/// # Errors
///
/// That of a look.
pub async fn wait_for<T, F>(patience: &RetryPolicy, mut look: impl FnMut() -> F) -> Result<Progress<T>>
where
    F: Future<Output = Result<Progress<T>, Error>>,
{
    let deadline = Instant::now() + patience.deadline;
    let mut pauses = patience.backoff();
    loop {
        if let Progress::Done(done) = look().await? {
            return Ok(Progress::Done(done));
        }
        let pause = pauses.next().unwrap_or(patience.backoff_max);
        if Instant::now() + pause >= deadline {
            return Ok(Progress::Going);
        }
        sleep(pause).await;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    #[tokio::test(start_paused = true)]
    async fn what_passes_is_asked_again_and_what_does_not_is_not() {
        let (asked, policy) = (Cell::new(0), default_patience());
        let answer = ask(&policy, || {
            asked.set(asked.get() + 1);
            let attempt = asked.get();
            async move {
                if attempt < 3 {
                    Err(DriverError::unknown(ErrorKind::Unavailable, "down"))
                } else {
                    Ok(attempt)
                }
            }
        });
        assert_eq!(answer.await.expect("an answer"), 3);
        asked.set(0);
        let refused = ask(&policy, || {
            asked.set(asked.get() + 1);
            async { Err::<(), _>(DriverError::refused(ErrorKind::Unauthorized, "no")) }
        });
        assert_eq!(refused.await.expect_err("refused").kind(), ErrorKind::Unauthorized);
        assert_eq!(asked.get(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_asks_or_waits_for_ever() {
        let started = Instant::now();
        let policy = default_patience();
        let down =
            ask(&policy, || async { Err::<(), _>(DriverError::unknown(ErrorKind::Unavailable, "down")) });
        assert_eq!(down.await.expect_err("down").kind(), ErrorKind::Unavailable);
        let silent = ask(&policy, std::future::pending::<Result<(), DriverError>>);
        assert_eq!(silent.await.expect_err("silent").kind(), ErrorKind::Timeout);
        let going = wait_for(&policy, || async { Ok(Progress::<()>::Going) }).await;
        assert_eq!(going.expect("no error"), Progress::Going);
        assert!(started.elapsed() <= 3 * policy.deadline, "{:?}", started.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn the_reason_is_told_and_not_that_the_time_was_up() {
        let mut policy = default_patience();
        policy.deadline = Duration::from_secs(10);
        policy.attempt_timeout = Duration::from_secs(10);
        let asked = Cell::new(0);
        let refused = ask(&policy, || {
            asked.set(asked.get() + 1);
            let attempt = asked.get();
            async move {
                if attempt > 1 {
                    std::future::pending::<()>().await;
                }
                Err::<(), _>(DriverError::refused(ErrorKind::Unavailable, "the name is taken"))
            }
        });
        assert_eq!(refused.await.expect_err("refused").message(), "the name is taken");
    }

    #[tokio::test(start_paused = true)]
    async fn what_gets_done_is_waited_for() {
        let (looks, policy) = (Cell::new(0), default_patience());
        let done = wait_for(&policy, || {
            looks.set(looks.get() + 1);
            let look = looks.get();
            async move { Ok(if look < 5 { Progress::Going } else { Progress::Done(look) }) }
        });
        assert_eq!(done.await.expect("no error"), Progress::Done(5));
    }
}
