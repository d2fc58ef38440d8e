//! Stops what was started.

use super::cache::Cache;
use super::state::{Entry, State};
use crate::{Outcome, say};

/// Stops all but what running tests have started for themselves.
pub(super) fn down(cache: &Cache) -> Outcome {
    stop(cache, |entry| {
        if let Some(user) = entry.user.as_ref().filter(|_| entry.is_in_use()) {
            say(&format!(
                "{} at port {} is left to the tests of process {}",
                entry.name, entry.port, user.pid
            ));
            return false;
        }
        true
    })
}

/// Stops those that are chosen, and goes on when one of them does not stop.
pub(super) fn stop(cache: &Cache, is_chosen: impl Fn(&Entry) -> bool) -> Outcome {
    let _lock = State::lock(cache)?;
    let mut state = State::load(cache)?;
    let mut problems = Vec::new();
    state.running.retain(|entry| {
        if !entry.process.is_running() {
            return false;
        }
        if !is_chosen(entry) {
            return true;
        }
        match entry.process.stop() {
            Ok(()) => say(&format!("{} at port {} stopped", entry.name, entry.port)),
            Err(problem) => problems.push(format!("{}: {problem}", entry.name)),
        }
        entry.process.is_running()
    });
    state.save(cache)?;
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n")) }
}
