//! Promises of JavaScript's, settled when their call is done.
#![allow(unsafe_code, reason = "each use is argued where it stands")]

use std::mem::transmute;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use napi::bindgen_prelude::{PromiseRaw, ToNapiValue};
use napi::{Env, Error, JsError, Result, check_status, sys};

/// What settles a promise, once.
#[derive(Debug)]
pub(crate) struct Deferred(sys::napi_deferred);

// SAFETY: other threads only pass it on. It is made, and used, with an environment, which is to be had on its thread alone.
unsafe impl Send for Deferred {}

impl Deferred {
    /// A promise, and what settles it.
    pub(crate) fn new<'env, V>(env: &'env Env) -> Result<(Self, PromiseRaw<'env, V>)> {
        let (mut deferred, mut promise) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: the environment is that of this thread, and both places are there to be written to.
        check_status!(unsafe { sys::napi_create_promise(env.raw(), &raw mut deferred, &raw mut promise) })?;
        Ok((Self(deferred), PromiseRaw::new(env.raw(), promise)))
    }

    /// Settles the promise with what an answer shows, or with an exception.
    ///
    /// # Safety
    ///
    /// On JavaScript's thread, in the environment that the promise is of. What is shown must not keep the environment that
    /// `show` is given, which is there for this call only.
    pub(crate) unsafe fn settle<'env, T, V: ToNapiValue>(
        self,
        env: &Env,
        answer: Result<T>,
        show: impl FnOnce(&'env Env, T) -> Result<V>,
    ) {
        // SAFETY: what is shown does not keep it, and becomes a value of the engine's right here.
        let shown_in = unsafe { transmute::<&Env, &'env Env>(env) };
        let show = AssertUnwindSafe(|| {
            let shown = answer.and_then(|answer| show(shown_in, answer))?;
            // SAFETY: the environment is that of this thread.
            unsafe { V::to_napi_value(env.raw(), shown) }
        });
        let value =
            catch_unwind(show).unwrap_or_else(|_| Err(Error::from_reason("an answer could not be shown")));
        // SAFETY: the promise is of this environment, and has not been settled: that takes what settles it. Where it fails, the
        // environment ends, and with it whoever waits.
        unsafe {
            match (thrown(env), value) {
                (Some(exception), _) => sys::napi_reject_deferred(env.raw(), self.0, exception),
                (None, Ok(value)) => sys::napi_resolve_deferred(env.raw(), self.0, value),
                (None, Err(error)) => {
                    sys::napi_reject_deferred(env.raw(), self.0, JsError::from(error).into_value(env.raw()))
                }
            }
        };
    }
}

/// Takes the exception that was thrown while a value was made, if one was: as long as it is there, nothing can be settled.
fn thrown(env: &Env) -> Option<sys::napi_value> {
    let (mut is_pending, mut exception) = (false, ptr::null_mut());
    // SAFETY: the environment is that of this thread, and both places are there to be written to.
    let taken = unsafe {
        sys::napi_is_exception_pending(env.raw(), &raw mut is_pending) == sys::Status::napi_ok
            && is_pending
            && sys::napi_get_and_clear_last_exception(env.raw(), &raw mut exception) == sys::Status::napi_ok
    };
    taken.then_some(exception)
}
