//! Running a call: at once where what it wants is in memory, otherwise as a promise.
#![allow(unsafe_code, reason = "each use is argued where it stands")]

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use futures_util::future::{Either as First, select};
use futures_util::poll;
use larder::{Error, ErrorKind, Result};
use napi::bindgen_prelude::{Either, Env, Null, PromiseRaw, ToNapiValue, within_runtime_if_available};
use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::answers::Answers;
use crate::cancel::Cancel;
use crate::deferred::Deferred;
use crate::failure::thrown;
use crate::memory::{KEPT, Plan};
use crate::recent::Reading;

/// What a call gives: its answer, or the promise of it.
pub(crate) type Soon<'env, V> = Either<V, PromiseRaw<'env, V>>;

/// A call under way.
type Work<T> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;

/// Runs a read: here if its answer is in memory, since going to another thread and back costs more than such an answer.
///
/// `bytes` tells how long the value is, where the answer says so; `show` makes a value of JavaScript of the answer, on
/// JavaScript's thread. It must not keep the environment, which may be another one by then.
pub(crate) fn at_hand<'env, T, V, S>(
    env: &'env Env,
    cancel: Option<&Cancel>,
    reading: Reading,
    work: impl Future<Output = Result<T>> + Send + 'static,
    bytes: fn(&T) -> Option<usize>,
    show: S,
) -> napi::Result<Soon<'env, V>>
where
    T: Send + 'static,
    V: ToNapiValue,
    S: FnOnce(&'env Env, T) -> napi::Result<V> + Send + 'static,
{
    if !reading.is_at_hand() {
        return promised(env, cancel, first_read(reading, work, bytes), show).map(Either::B);
    }
    let mut work: Work<T> = Box::pin(work);
    // Nobody is woken: what is not ready is polled again, where it then runs.
    let mut context = Context::from_waker(Waker::noop());
    let began = Instant::now();
    let answer = within_runtime_if_available(|| work.as_mut().poll(&mut context));
    reading.took(began.elapsed());
    match answer {
        Poll::Ready(Ok(answer)) => show(env, answer).map(Either::A),
        Poll::Ready(Err(error)) => Err(thrown(&error)),
        Poll::Pending => promised(env, cancel, work, show).map(Either::B),
    }
}

/// Reads a key that may be on a disk, and keeps in mind that it is in memory then. Of a store that is far away it never is.
async fn first_read<T>(
    reading: Reading,
    work: impl Future<Output = Result<T>>,
    bytes: fn(&T) -> Option<usize>,
) -> Result<T> {
    let mut work = pin!(work);
    let Poll::Ready(answer) = poll!(work.as_mut()) else { return work.await };
    if let Ok(found) = &answer {
        reading.was_read(bytes(found));
    }
    answer
}

/// Runs a call on the threads of the addon. `show` must not keep the environment that it is given.
pub(crate) fn promised<'env, T, V, S>(
    env: &'env Env,
    cancel: Option<&Cancel>,
    work: impl Future<Output = Result<T>> + Send + 'static,
    show: S,
) -> napi::Result<PromiseRaw<'env, V>>
where
    T: Send + 'static,
    V: ToNapiValue,
    S: FnOnce(&'env Env, T) -> napi::Result<V> + Send + 'static,
{
    let signal = cancel.map(Cancel::signal);
    let (owed, promise) = Owed::new(env)?;
    let answers = Arc::clone(&owed.answers);
    answers.begin(async move { owed.pay(ended_by(signal, work).await, show) });
    Ok(promise)
}

/// An answer that a call owes. Nobody waits in vain: should the call come to no end, it pays with an error.
struct Owed {
    answers: Arc<Answers>,
    deferred: Option<Deferred>,
}

impl Owed {
    fn new<'env, V>(env: &'env Env) -> napi::Result<(Self, PromiseRaw<'env, V>)> {
        let answers = Answers::of(env)?;
        let (deferred, promise) = Deferred::new(env)?;
        answers.owe(env)?;
        Ok((Self { answers, deferred: Some(deferred) }, promise))
    }

    fn pay<'env, T, V, S>(mut self, done: Result<T>, show: S)
    where
        T: Send + 'static,
        V: ToNapiValue,
        S: FnOnce(&'env Env, T) -> napi::Result<V> + Send + 'static,
    {
        let Some(deferred) = self.deferred.take() else { return };
        let done = done.map_err(|error| thrown(&error));
        // SAFETY: what the calls of this crate show are copies, and values of the engine, as `promised` asks for.
        self.answers.give(move |env| unsafe { deferred.settle(env, done, show) });
        give_back_later();
    }
}

impl Drop for Owed {
    fn drop(&mut self) {
        if let Some(deferred) = self.deferred.take() {
            let lost = Error::new(ErrorKind::Internal, "the call ended without an answer, which is a defect");
            // SAFETY: nothing is shown.
            self.answers
                .give(move |env| unsafe { deferred.settle(env, Err(thrown(&lost)), |_, ()| Ok(Null)) });
        }
    }
}

/// Has memory given back to the system later: behind calls, behind large answers, and when a store was closed. On a thread of
/// the runtime, whose own function does not mind that it ends.
pub(crate) fn give_back_later() {
    if let Some(plan) = Plan::new() {
        tokio::spawn(async {
            sleep(KEPT).await;
            spawn_blocking(|| plan.carry_out());
        });
    }
}

/// Runs a call until it is done, or the signal ends it.
async fn ended_by<T>(signal: Option<Arc<Notify>>, work: impl Future<Output = Result<T>>) -> Result<T> {
    let Some(signal) = signal else { return work.await };
    match select(pin!(work), pin!(signal.notified())).await {
        First::Left((done, _)) => done,
        // Nobody reads it: the caller has been told by the signal.
        First::Right(_) => Err(Error::new(ErrorKind::Internal, "the call was ended")),
    }
}
