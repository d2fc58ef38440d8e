//! The addon's own memory, and who gives it back to the system.
#![allow(unsafe_code, reason = "each use is argued where it stands")]

use std::ffi::c_long;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use libmimalloc_sys::{mi_collect, mi_free, mi_malloc, mi_option_set, mi_option_t};

/// `mi_option_purge_delay`, which the crate has no name for: how many milliseconds memory that is free is kept.
const KEPT_MILLIS: mi_option_t = 15;
/// A day: as good as never, and not never, which would mean that nobody gives it back.
const A_DAY: c_long = 24 * 60 * 60 * 1_000;
/// How long what is free is kept for whoever wants some.
pub(crate) const KEPT: Duration = Duration::from_secs(5);

/// Whether somebody will give back what is free.
static IS_PLANNED: AtomicBool = AtomicBool::new(false);

/// Lets nobody give memory back by the way.
///
/// mimalloc has that done by whichever thread asks it for memory when the time is up. Hundreds of pieces, each a call of the
/// system, take milliseconds: on JavaScript's thread, they stop the event loop.
pub(crate) fn keep() {
    // SAFETY: it is one of the library's options, and any number of milliseconds may be set at any time.
    unsafe { mi_option_set(KEPT_MILLIS, A_DAY) }
}

/// Whether the caller is to call [`give_back`] when [`KEPT`] is over, on a thread that may wait. False as long as another is.
pub(crate) fn is_due() -> bool {
    // A load first: all threads come by here, and most find it planned.
    !IS_PLANNED.load(Ordering::Relaxed) && !IS_PLANNED.swap(true, Ordering::Relaxed)
}

/// Gives memory that is free back to the system.
pub(crate) fn give_back() {
    IS_PLANNED.store(false, Ordering::Relaxed);
    // SAFETY: any thread may call these at any time, and what it asked for goes back where it came from.
    unsafe {
        // A thread that never asked for memory would give back nothing.
        let some = mi_malloc(1);
        mi_collect(true);
        mi_free(some);
    }
}
