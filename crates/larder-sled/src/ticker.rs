//! Work that a store does by the clock on the wall: sweeping, and flushing in the relaxed mode.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::time::Duration;

use crate::store::Joined;

/// A thread that does something again and again, and ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Ticker {
    // Dropped before the thread is waited for.
    _stop: Sender<()>,
    _thread: Joined,
}

/// Whether the thread is to end. Nothing is ever sent: the channel closes with the ticker.
pub(crate) struct Stop(Receiver<()>);

impl Stop {
    pub(crate) fn is_asked(&self) -> bool {
        self.0.try_recv() == Err(TryRecvError::Disconnected)
    }
}

impl Ticker {
    /// Does the work every so often, for the first time after one interval.
    pub(crate) fn start(
        name: &str,
        interval: Duration,
        mut work: impl FnMut(&Stop) + Send + 'static,
    ) -> io::Result<Self> {
        let (sender, receiver) = channel();
        let stop = Stop(receiver);
        let thread = Joined::start(name, move || {
            while let Err(RecvTimeoutError::Timeout) = stop.0.recv_timeout(interval) {
                work(&stop);
            }
        })?;
        Ok(Self { _stop: sender, _thread: thread })
    }
}
