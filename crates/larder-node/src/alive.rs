//! Keeping the process for calls that are under way.
#![allow(unsafe_code, reason = "each use is argued where it stands")]

use std::sync::atomic::{AtomicUsize, Ordering};

use napi::{Env, Result, check_status, sys};

use crate::answers::Callback;

/// How many calls are under way: as long as there are some, a callback keeps the process. Atomic only to be shared: it is
/// counted on JavaScript's thread alone.
#[derive(Debug, Default)]
pub(crate) struct Alive(AtomicUsize);

impl Alive {
    /// One more call has begun.
    pub(crate) fn more(&self, env: &Env, keeper: &Callback) -> Result<()> {
        if self.0.load(Ordering::Relaxed) == 0 {
            // SAFETY: the callback was made for this environment, and is there as long as it is borrowed.
            check_status!(unsafe { sys::napi_ref_threadsafe_function(env.raw(), keeper.raw()) })?;
        }
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// So many calls have ended.
    pub(crate) fn fewer(&self, env: &Env, keeper: &Callback, calls: usize) {
        if calls > 0 && self.0.fetch_sub(calls, Ordering::Relaxed) == calls {
            // SAFETY: as above. Where it fails, the environment ends anyway.
            unsafe { sys::napi_unref_threadsafe_function(env.raw(), keeper.raw()) };
        }
    }
}
