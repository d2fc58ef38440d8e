//! Being asked to end.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::failure::{Failure, Outcome};

/// Ready when the process is asked to end (Ctrl-C, SIGTERM), and when it is asked again.
pub(super) fn stop() -> Outcome<(impl Future<Output = ()> + Send, impl Future<Output = ()> + Send)> {
    #[cfg(unix)]
    let mut terminate = {
        use tokio::signal::unix::{SignalKind, signal};
        signal(SignalKind::terminate()).map_err(|error| Failure::at("the signal handler", &error))?
    };
    let asked = Arc::new(Semaphore::new(0));
    let asking = Arc::clone(&asked);
    tokio::spawn(async move {
        loop {
            #[cfg(unix)]
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            #[cfg(not(unix))]
            let _ = tokio::signal::ctrl_c().await;
            asking.add_permits(1);
        }
    });
    let again = Arc::clone(&asked);
    let first = async move {
        // Given back, so that the second time is told from the first by the number.
        drop(asked.acquire().await);
    };
    let second = async move { drop(again.acquire_many(2).await) };
    Ok((first, second))
}
