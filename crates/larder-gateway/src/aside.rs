//! Work that would keep others waiting for the thread.

use std::future::pending;
use std::panic::resume_unwind;

use tokio::task::spawn_blocking;
use tracing::Span;

use crate::request_id;

/// Work on so many bytes takes a fraction of a millisecond, and is done where it is.
const LITTLE: usize = 256 * 1024;

/// Does work on so many bytes for the request of this task: on a thread of its own, if they are many.
pub(crate) async fn aside<T: Send + 'static>(bytes: usize, work: impl FnOnce() -> T + Send + 'static) -> T {
    if bytes <= LITTLE {
        return work();
    }
    let (id, span) = (request_id::current_id(), Span::current());
    match spawn_blocking(move || span.in_scope(|| request_id::with(&id, work))).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            // As if it had been done here: whoever answers the request sees to it.
            Ok(panic) => resume_unwind(panic),
            // The runtime ends, and this task with it.
            Err(_) => pending().await,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::panic::AssertUnwindSafe;
    use std::thread;

    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn only_much_work_is_done_elsewhere() {
        let here = thread::current().id();
        assert_eq!(aside(LITTLE, || thread::current().id()).await, here);
        assert_ne!(aside(LITTLE + 1, || thread::current().id()).await, here);
    }

    #[tokio::test]
    async fn a_panic_comes_back() {
        let panicked = AssertUnwindSafe(aside(LITTLE + 1, || panic!("a defect"))).catch_unwind().await;
        let panic: Box<dyn std::any::Any + Send> = match panicked {
            Ok(()) => unreachable!(),
            Err(panic) => panic,
        };
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"a defect"));
    }
}
