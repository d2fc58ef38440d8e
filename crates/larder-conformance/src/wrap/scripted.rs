//! A driver that fails by a script.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use larder_core::ErrorKind;
use larder_core::driver::{Driver, DriverError};

use super::{Call, Hook, Method, Verdict};

/// What happens to the calls on a driver, method by method. What no script is left for passes.
///
/// Calls about Larder's own records are left alone, so that a handle can open the store.
#[derive(Debug, Default)]
pub struct Scripted(Mutex<Scripts>);

#[derive(Debug, Default)]
struct Scripts {
    steps: HashMap<u8, VecDeque<Step>>,
    always: HashMap<u8, Verdict>,
    calls: HashMap<u8, usize>,
}

/// What happens to one call.
pub struct Step {
    verdict: Verdict,
    first: Option<Box<dyn FnOnce() + Send>>,
}

impl Step {
    /// It is sent and answered.
    pub fn pass() -> Self {
        Self { verdict: Verdict::Pass, first: None }
    }

    /// It is not sent, and fails like this.
    pub fn fail(error: DriverError) -> Self {
        Self { verdict: Verdict::Fail(error), first: None }
    }

    /// It is sent, and the reply is lost.
    pub fn lose_reply() -> Self {
        Self { verdict: Verdict::LoseReply(lost()), first: None }
    }

    /// Before anything else, this is done: the clock moves, say.
    #[must_use]
    pub fn after(mut self, action: impl FnOnce() + Send + 'static) -> Self {
        self.first = Some(Box::new(action));
        self
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.verdict.fmt(f)
    }
}

/// The error of a request that went unanswered.
pub(super) fn lost() -> DriverError {
    DriverError::unknown(ErrorKind::Timeout, "the reply was lost on purpose")
}

impl Scripted {
    /// No script: everything passes.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Appends to the script of a method.
    pub fn then(&self, method: Method, steps: impl IntoIterator<Item = Step>) {
        self.lock().steps.entry(method as u8).or_default().extend(steps);
    }

    /// What happens to every call of a method once its script is done.
    pub fn always(&self, method: Method, verdict: Verdict) {
        self.lock().always.insert(method as u8, verdict);
    }

    /// Every call of every method fails like this.
    pub fn outage(&self, error: &DriverError) {
        for method in Method::ALL {
            self.always(method, Verdict::Fail(error.clone()));
        }
    }

    /// Everything passes again, and nothing was called yet.
    pub fn reset(&self) {
        *self.lock() = Scripts::default();
    }

    /// How often a method was called about users' records.
    pub fn calls(&self, method: Method) -> usize {
        self.lock().calls.get(&(method as u8)).copied().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Scripts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Hook for Scripted {
    async fn before(&self, call: Call<'_>, _: &dyn Driver) -> Verdict {
        if call.is_system() {
            return Verdict::Pass;
        }
        let method = call.method() as u8;
        let step = {
            let mut scripts = self.lock();
            *scripts.calls.entry(method).or_default() += 1;
            let always = scripts.always.get(&method).cloned().unwrap_or(Verdict::Pass);
            let step = scripts.steps.get_mut(&method).and_then(VecDeque::pop_front);
            step.unwrap_or(Step { verdict: always, first: None })
        };
        if let Some(first) = step.first {
            first();
        }
        step.verdict
    }
}
