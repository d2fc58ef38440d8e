//! Removing expired entries without being asked (T3).

use larder_core::Clock;

use crate::ticker::Stop;
use crate::writer::Writer;

/// How many entries one step removes, so that writes get their turn in between.
const STEP: usize = 1_000;

/// Removes what has expired, step by step.
pub(crate) fn sweep(writer: &Writer, clock: &dyn Clock, stop: &Stop) {
    loop {
        match writer.sweep_blocking(clock.now(), STEP) {
            // The last handle may have gone meanwhile, and waits.
            Ok(swept) if swept.more && !stop.is_asked() => {}
            Ok(_) => return,
            Err(error) => {
                tracing::warn!(target: "larder", error = error.message, "the sweep failed");
                return;
            }
        }
    }
}
