//! Which worker serves whom.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

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
}

/// The runs of each caller.
#[derive(Debug)]
pub(super) struct Callers {
    runs: Mutex<HashMap<String, Runs>>,
    /// How many workers one caller may have at once.
    at_once: usize,
}

#[derive(Debug)]
struct Runs {
    count: usize,
    turns: Arc<Semaphore>,
}

/// A caller's run; it counts until this is dropped.
#[derive(Debug)]
pub(super) struct Counted {
    callers: Arc<Callers>,
    caller: String,
    turns: Arc<Semaphore>,
}

impl Callers {
    /// Callers of a pool with so many workers. No caller has all of them at once: what another asks for finds one soon.
    pub(super) fn of(workers: usize) -> Self {
        Self { runs: Mutex::default(), at_once: (workers - 1).max(1) }
    }

    /// Counts a run more, unless the caller has that many.
    pub(super) fn count(self: &Arc<Self>, caller: &str, most: usize) -> Option<Counted> {
        let mut callers = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        let runs = callers
            .entry(caller.to_owned())
            .or_insert_with(|| Runs { count: 0, turns: Arc::new(Semaphore::new(self.at_once)) });
        if runs.count >= most {
            return None;
        }
        runs.count += 1;
        let turns = Arc::clone(&runs.turns);
        Some(Counted { callers: Arc::clone(self), caller: caller.to_owned(), turns })
    }
}

impl Counted {
    /// Waits until the caller may have a worker more.
    pub(super) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        // It is never closed.
        Arc::clone(&self.turns).acquire_owned().await.ok()
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut callers = self.callers.runs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runs) = callers.get_mut(&self.caller) {
            runs.count -= 1;
            if runs.count == 0 {
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
        let callers = Arc::new(Callers::of(2));
        let first = callers.count("a", 2).expect("the first");
        let second = callers.count("a", 2).expect("the second");
        assert!(callers.count("a", 2).is_none());
        assert!(callers.count("b", 2).is_some());
        drop(first);
        let third = callers.count("a", 2).expect("one has ended");
        drop((second, third));
        assert!(callers.runs.lock().expect("no panic").is_empty());
    }
}
