//! The addon's own memory, and who gives it back to the system.
#![allow(unsafe_code, reason = "each use is argued where it stands")]

use std::ffi::c_long;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use libmimalloc_sys::{mi_collect, mi_free, mi_malloc, mi_option_set_default, mi_option_t};

/// `mi_option_purge_delay`, which the crate has no name for: the milliseconds behind which memory that is free is given back.
const PURGE_DELAY: mi_option_t = 15;
/// Two days: as good as never, and not never, with which nobody could give it back. Ten times that must fit in 32 bits.
const NEVER_MILLIS: c_long = 200_000_000;
/// How long what is free is kept for whoever wants some. Longer than threads that only wait live, which leave theirs behind.
pub(crate) const KEPT: Duration = Duration::from_secs(15);

/// Whether somebody will give back what is free.
static IS_PLANNED: AtomicBool = AtomicBool::new(false);

/// Lets nobody give memory back by the way, unless `MIMALLOC_PURGE_DELAY` says when.
///
/// mimalloc has that done by whichever thread asks it for memory when the time is up. Hundreds of pieces, each a call of the
/// system, take milliseconds: on JavaScript's thread, they stop the event loop.
pub(crate) fn keep() {
    // SAFETY: it is one of the library's options, and any number of milliseconds may be set at any time.
    unsafe { mi_option_set_default(PURGE_DELAY, NEVER_MILLIS) }
}

/// That memory will be given back. Whoever has it does so when [`KEPT`] is over, on a thread that may wait.
#[derive(Debug)]
pub(crate) struct Plan(());

impl Plan {
    /// For memory that has become free; none as long as there is another.
    pub(crate) fn new() -> Option<Self> {
        // A load first: all threads come by here, and most find it planned.
        let is_first = !IS_PLANNED.load(Ordering::Relaxed) && !IS_PLANNED.swap(true, Ordering::Relaxed);
        is_first.then_some(Self(()))
    }

    /// Gives memory that is free back to the system, in whole segments of 32 MiB: what is free in one that another thread uses
    /// is kept for that thread.
    pub(crate) fn carry_out(self) {
        // What becomes free from here on may be planned again.
        drop(self);
        // SAFETY: any thread may call these at any time, and what it asked for goes back where it came from.
        unsafe {
            // A thread that has not asked for memory has nothing to begin with, and would give back nothing.
            let some = mi_malloc(1);
            mi_collect(true);
            mi_free(some);
        }
    }
}

impl Drop for Plan {
    /// Another may be made, also where this one was not carried out: the runtime ends with the last environment.
    fn drop(&mut self) {
        IS_PLANNED.store(false, Ordering::Relaxed);
    }
}
