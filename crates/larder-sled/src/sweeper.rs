//! Removing expired entries without being asked (T3).

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use larder_core::Clock;

use crate::store::Joined;
use crate::writer::Writer;

/// How many entries one step removes, so that writes get their turn in between.
const STEP: usize = 1_000;

/// Tells the sweeper's thread to end when it is dropped.
#[derive(Debug)]
pub(crate) struct Stop {
    _open: Sender<()>,
}

/// Starts the sweeper's thread.
pub(crate) fn start(writer: Writer, interval: Duration, clock: Arc<dyn Clock>) -> io::Result<(Stop, Joined)> {
    let (open, stop) = channel();
    let thread = Joined::start("larder-sweeper", move || run(&writer, interval, &*clock, &stop))?;
    Ok((Stop { _open: open }, thread))
}

fn run(writer: &Writer, interval: Duration, clock: &dyn Clock, stop: &Receiver<()>) {
    // Nothing is ever sent: the channel closes with the last handle.
    while let Err(RecvTimeoutError::Timeout) = stop.recv_timeout(interval) {
        loop {
            match writer.sweep_blocking(clock.now(), STEP) {
                Ok(swept) if swept.more => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(target: "larder", error = error.message, "the sweep failed");
                    break;
                }
            }
        }
    }
}
