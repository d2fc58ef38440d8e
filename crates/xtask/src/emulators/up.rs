//! Makes emulators run: those that run already are used.

use super::cache::Cache;
use super::install::install;
use super::kind::Emulator;
use super::launch::launch;
use super::process::Process;
use super::state::{Entry, State};
use crate::{Outcome, say};

/// Installs and starts what is wanted and does not run yet: for this user alone, or for everybody.
pub(super) fn up(cache: &Cache, wanted: &[Emulator], user: Option<&Process>) -> Outcome<Vec<Entry>> {
    wanted.iter().map(|&emulator| ensure(cache, emulator, user)).collect()
}

fn ensure(cache: &Cache, emulator: Emulator, user: Option<&Process>) -> Outcome<Entry> {
    let directory = install(cache, emulator)?;
    let _lock = State::lock(cache)?;
    let mut state = State::load(cache)?;
    state.running.retain(|entry| entry.process.is_running());

    // Not one that other tests have started for themselves: they stop it when they end.
    let found = state.running.iter_mut().find(|entry| entry.is(emulator) && !entry.is_in_use());
    if let Some(found) = found {
        if emulator.probe().is_answered(found.port) {
            // Left by a killed run of the tests: whoever finds it takes its place.
            if found.user.is_some() {
                found.user = user.cloned();
            }
            let found = found.clone();
            state.save(cache)?;
            say(&format!("{} {} runs at {}", found.name, found.version, found.address()));
            return Ok(found);
        }
        let silent = found.process.clone();
        say(&format!("{} does not answer, so it is started again", emulator.name()));
        silent.stop()?;
        state.forget(&silent);
    }
    let entry = launch(cache, &mut state, emulator, &directory, user)?;
    say(&format!("{} {} started at {}", entry.name, entry.version, entry.address()));
    Ok(entry)
}
