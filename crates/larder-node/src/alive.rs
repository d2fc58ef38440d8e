//! Keeping the process for calls that are under way.
#![allow(unsafe_code, reason = "each use is argued where it stands")]

use std::sync::atomic::{AtomicUsize, Ordering};

use napi::threadsafe_function::ThreadsafeFunction;
use napi::{Env, Result, Status, check_status, sys};

/// How many calls keep the process. Counted on JavaScript's thread alone.
#[derive(Debug, Default)]
pub(crate) struct Alive(AtomicUsize);

/// A function that keeps the process while it is referred to.
type Keeper = ThreadsafeFunction<(), (), (), Status, false, true>;

impl Alive {
    /// One more does.
    pub(crate) fn more(&self, env: &Env, keeper: &Keeper) -> Result<()> {
        if self.0.load(Ordering::Relaxed) == 0 {
            // SAFETY: the function is of this environment, and is there as long as it is borrowed.
            check_status!(unsafe { sys::napi_ref_threadsafe_function(env.raw(), keeper.raw()) })?;
        }
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// So many do no more.
    pub(crate) fn fewer(&self, env: &Env, keeper: &Keeper, calls: usize) {
        if calls > 0 && self.0.fetch_sub(calls, Ordering::Relaxed) == calls {
            // SAFETY: as above. Where it fails, the environment ends anyway.
            unsafe { sys::napi_unref_threadsafe_function(env.raw(), keeper.raw()) };
        }
    }
}
