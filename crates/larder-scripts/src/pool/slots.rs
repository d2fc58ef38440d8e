//! Which worker serves whom.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::process::Worker;

/// The workers of a pool that wait for a run.
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
    /// Whether that is fewer than there are.
    leaves_some: bool,
}

#[derive(Debug)]
struct Runs {
    count: usize,
    /// How many of them have a worker.
    working: usize,
    turns: Arc<Semaphore>,
}

/// A caller's run; it counts until this is dropped.
#[derive(Debug)]
pub(super) struct Counted {
    callers: Arc<Callers>,
    caller: String,
    turns: Arc<Semaphore>,
}

/// A caller's run that has a worker, until this is dropped.
#[derive(Debug)]
pub(super) struct Working {
    counted: Counted,
    _turn: OwnedSemaphorePermit,
}

impl Callers {
    /// Callers of a pool with so many workers. No caller has all of them at once: what another asks for finds one soon.
    pub(super) fn of(workers: usize) -> Self {
        Self { runs: Mutex::default(), at_once: (workers - 1).max(1), leaves_some: workers > 1 }
    }

    /// Counts a run more, unless the caller has that many.
    pub(super) fn count(self: &Arc<Self>, caller: &str, most: usize) -> Option<Counted> {
        let mut callers = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        let runs = callers.entry(caller.to_owned()).or_insert_with(|| Runs {
            count: 0,
            working: 0,
            turns: Arc::new(Semaphore::new(self.at_once)),
        });
        if runs.count >= most {
            return None;
        }
        runs.count += 1;
        let turns = Arc::clone(&runs.turns);
        Some(Counted { callers: Arc::clone(self), caller: caller.to_owned(), turns })
    }

    fn change<T>(&self, caller: &str, change: impl FnOnce(&mut Runs) -> T) -> Option<T> {
        let mut callers = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        callers.get_mut(caller).map(change)
    }
}

impl Counted {
    /// Waits until the caller may have a worker more.
    pub(super) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        // It is never closed.
        Arc::clone(&self.turns).acquire_owned().await.ok()
    }

    /// Whether its caller has all the workers that one caller may, while there are others. Its turn alone does not say
    /// that: those whose turn it is may wait for a worker, too.
    pub(super) fn has_its_share(&self) -> bool {
        let working = self.callers.change(&self.caller, |runs| runs.working);
        self.callers.leaves_some && working.is_some_and(|working| working >= self.callers.at_once)
    }

    /// Says that it has a worker, at its turn.
    pub(super) fn work(self, turn: OwnedSemaphorePermit) -> Working {
        self.callers.change(&self.caller, |runs| runs.working += 1);
        Working { counted: self, _turn: turn }
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        let Counted { callers, caller, .. } = &self.counted;
        callers.change(caller, |runs| runs.working -= 1);
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
