//! Being asked to end.

use tokio::sync::watch;

use crate::failure::{Failure, Outcome};

/// Ready when the process is asked to end (Ctrl-C, SIGTERM), and when it is asked again.
pub(super) fn stop() -> Outcome<(impl Future<Output = ()> + Send, impl Future<Output = ()> + Send)> {
    #[cfg(unix)]
    let mut terminate = {
        use tokio::signal::unix::{SignalKind, signal};
        signal(SignalKind::terminate()).map_err(|error| Failure::at("the signal handler", &error))?
    };
    let (asking, mut asked) = watch::channel(0_usize);
    let mut again = asked.clone();
    tokio::spawn(async move {
        loop {
            #[cfg(unix)]
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            #[cfg(not(unix))]
            let _ = tokio::signal::ctrl_c().await;
            asking.send_modify(|times| *times += 1);
        }
    });
    // The sender is never dropped, so that there is an end to wait for.
    let first = async move { drop(asked.wait_for(|times| *times >= 1).await) };
    let second = async move { drop(again.wait_for(|times| *times >= 2).await) };
    Ok((first, second))
}
