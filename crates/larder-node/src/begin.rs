//! How calls get to the threads of the addon.

use std::pin::Pin;

use napi::bindgen_prelude::spawn;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// As many are taken out of the queue together at most.
const TOGETHER: usize = 64;

/// What is to run there.
type Call = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where an environment leaves its calls for the threads of the addon, without waiting for any of them.
///
/// A queue without a lock. The runtime has a queue as well, but all of its threads share the lock of that: where one of them
/// has it and loses its core, JavaScript's thread stands still for milliseconds. This way it takes that lock to wake the
/// task that takes calls out, once for many calls of a turn.
///
/// One for each environment: the runtime ends with the last of them, and another one begins with the next.
#[derive(Debug)]
pub(crate) struct Calls(UnboundedSender<Call>);

impl Calls {
    pub(crate) fn new() -> Self {
        let (begun, mut calls) = unbounded_channel();
        spawn(async move {
            let mut some = Vec::with_capacity(TOGETHER);
            while calls.recv_many(&mut some, TOGETHER).await > 0 {
                begin_in_order(&mut some);
            }
        });
        Self(begun)
    }

    /// Begins a call. Where the runtime has ended, it is dropped.
    pub(crate) fn begin(&self, call: impl Future<Output = ()> + Send + 'static) {
        let _ = self.0.send(Box::pin(call));
    }
}

/// A thread of the runtime runs what it was given last before all others. Nobody is promised an order, but of two values that
/// are written one behind the other, everybody expects the second one to stay.
fn begin_in_order(calls: &mut Vec<Call>) {
    let are_several = calls.len() > 1;
    for call in calls.drain(..) {
        tokio::spawn(call);
    }
    // So the last is none of them.
    if are_several {
        tokio::spawn(async {});
    }
}
