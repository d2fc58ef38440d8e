//! A connection's time limit for the head of its next request.
//!
//! The server arms a timer for each request and drops it when the head is there, and both take the runtime's lock. To put off
//! one that is armed takes none, so that a connection keeps one for all of its requests.

use std::mem::take;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};
use tokio::time::sleep_until;

type Armed = Pin<Box<tokio::time::Sleep>>;

/// The timer of one connection.
#[derive(Clone, Default)]
pub(super) struct HeadTimer(Arc<Mutex<Option<Armed>>>);

impl HeadTimer {
    fn kept(&self) -> MutexGuard<'_, Option<Armed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into()
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        let kept = take(&mut *self.kept());
        let armed = match kept {
            Some(mut armed) => {
                armed.as_mut().reset(deadline.into());
                armed
            }
            None => Box::pin(sleep_until(deadline.into())),
        };
        Box::pin(Waiting { armed: Some(armed), timer: self.clone() })
    }
}

/// A wait by the connection's timer, which is given back.
struct Waiting {
    armed: Option<Armed>,
    timer: HeadTimer,
}

impl Future for Waiting {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match &mut self.armed {
            Some(armed) => armed.as_mut().poll(context),
            // Given back: nobody polls it.
            None => Poll::Pending,
        }
    }
}

impl Sleep for Waiting {}

impl Drop for Waiting {
    fn drop(&mut self) {
        *self.timer.kept() = self.armed.take();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_wait_keeps_its_own_time_whatever_the_one_before_it_had() {
        let timer = HeadTimer::default();
        let started = tokio::time::Instant::now();
        let wait = |millis| timer.sleep_until((started + Duration::from_millis(millis)).into());
        tokio::time::advance(Duration::from_millis(50)).await;
        assert_eq!(timer.now(), started.into_std() + Duration::from_millis(50), "one clock");
        wait(100).await;
        assert_eq!(started.elapsed(), Duration::from_millis(100));
        // Dropped before its time, and then later, and then sooner than it.
        drop(wait(5_000));
        let later = wait(9_000);
        drop(later);
        wait(300).await;
        assert_eq!(started.elapsed(), Duration::from_millis(300));
        // Two at a time are two.
        let (first, second) = (wait(400), wait(500));
        second.await;
        first.await;
        assert_eq!(started.elapsed(), Duration::from_millis(500));
    }
}
