//! Which worker serves whom.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::process::Worker;

/// The workers of a pool that wait for a run, and how many there are in all.
#[derive(Debug, Default)]
pub(super) struct Slots {
    /// The one that was used longest ago stands first.
    idle: Mutex<Vec<Worker>>,
}

impl Slots {
    /// A worker that may serve this tenant. If there is none, and as many wait as there may be, the one that was used
    /// longest ago ends, so that there is room for a new one.
    pub(super) fn take(&self, tenant: &str, most_idle: usize) -> Option<Worker> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let own = idle.iter().rposition(|worker| worker.tenant.as_deref() == Some(tenant));
        let at = own.or_else(|| idle.iter().rposition(|worker| worker.tenant.is_none()));
        if let Some(at) = at {
            return Some(idle.remove(at));
        }
        // The run that asks has a place of its own among the workers.
        if idle.len() > most_idle {
            drop(idle.remove(0));
        }
        None
    }

    /// Takes back a worker that did its work.
    pub(super) fn put(&self, worker: Worker) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
    }

    /// The process ids of those that wait.
    pub(super) fn ids(&self) -> Vec<u32> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.iter().filter_map(Worker::id).collect()
    }

    pub(super) fn confinement(&self) -> Option<crate::Confinement> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.last().map(Worker::confinement)
    }
}

/// How many runs each caller has.
#[derive(Debug, Default)]
pub(super) struct Callers(Mutex<HashMap<String, usize>>);

/// A caller's run; it counts until this is dropped.
#[derive(Debug)]
pub(super) struct Counted {
    callers: Arc<Callers>,
    caller: String,
}

impl Callers {
    /// Counts a run more, unless the caller has that many.
    pub(super) fn count(self: &Arc<Self>, caller: &str, most: usize) -> Option<Counted> {
        let mut callers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let runs = callers.entry(caller.to_owned()).or_default();
        if *runs >= most {
            return None;
        }
        *runs += 1;
        Some(Counted { callers: Arc::clone(self), caller: caller.to_owned() })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut callers = self.callers.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runs) = callers.get_mut(&self.caller) {
            *runs -= 1;
            if *runs == 0 {
                callers.remove(&self.caller);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_has_so_many_runs_and_is_forgotten_after_the_last() {
        let callers = Arc::new(Callers::default());
        let first = callers.count("a", 2).expect("the first");
        let second = callers.count("a", 2).expect("the second");
        assert!(callers.count("a", 2).is_none());
        assert!(callers.count("b", 2).is_some());
        drop(first);
        let third = callers.count("a", 2).expect("one has ended");
        drop((second, third));
        assert!(callers.0.lock().expect("no panic").is_empty());
    }
}
