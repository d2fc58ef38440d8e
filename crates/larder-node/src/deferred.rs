//! Promises of JavaScript's, settled when their call is done.
#![allow(unsafe_code, reason = "each use is argued where it stands")]

use std::mem::transmute;
use std::ptr;

use napi::bindgen_prelude::{PromiseRaw, ToNapiValue};
use napi::{Env, JsError, Result, check_status, sys};

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
    pub(crate) fn settle<'env, T, V: ToNapiValue>(
        self,
        env: &Env,
        answer: Result<T>,
        show: impl FnOnce(&'env Env, T) -> Result<V>,
    ) {
        // SAFETY: what is shown becomes a value of the engine's right here, and nothing else is left of it: it does not need
        // the environment any longer than this.
        let shown_in = unsafe { transmute::<&Env, &'env Env>(env) };
        let shown = answer.and_then(|answer| show(shown_in, answer));
        // SAFETY: the environment is that of this thread.
        let value = shown.and_then(|shown| unsafe { V::to_napi_value(env.raw(), shown) });
        // SAFETY: the promise is of this environment, and has not been settled: that takes what settles it. Where it fails, the
        // environment ends, and with it whoever waits.
        unsafe {
            match value {
                Ok(value) => sys::napi_resolve_deferred(env.raw(), self.0, value),
                Err(error) => {
                    sys::napi_reject_deferred(env.raw(), self.0, JsError::from(error).into_value(env.raw()))
                }
            }
        };
    }
}
