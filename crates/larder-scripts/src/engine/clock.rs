//! Processor time of a run.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// How much processor time this thread has used since a run began, and whether that was too much.
#[derive(Clone)]
pub(super) struct CpuMeter(Rc<Inner>);

struct Inner {
    until: Duration,
    is_over: Cell<bool>,
}

impl CpuMeter {
    pub(super) fn start(limit: Duration) -> Self {
        Self(Rc::new(Inner { until: thread_time() + limit, is_over: Cell::new(false) }))
    }

    /// Whether the run must end now. The engine asks every some thousand instructions.
    pub(super) fn is_used_up(&self) -> bool {
        if thread_time() >= self.0.until {
            self.0.is_over.set(true);
        }
        self.0.is_over.get()
    }

    /// Whether the run was ended by this meter: what the engine throws then, scripts can throw, too.
    pub(super) fn has_ended_it(&self) -> bool {
        self.0.is_over.get()
    }
}

#[cfg(unix)]
fn thread_time() -> Duration {
    use nix::time::{ClockId, clock_gettime};
    // Linux and macOS have this clock; without it a run counts as endless, and the parent ends it.
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

#[cfg(not(unix))]
fn thread_time() -> Duration {
    Duration::ZERO
}
