//! The emulators of one run of the tests.

use std::{env, process};

use super::browser;
use super::cache::Cache;
use super::down::stop;
use super::kind::Emulator;
use super::probe::is_reachable;
use super::process::Process;
use super::schemathesis;
use super::up::up;
use super::variable;
use super::workerd;
use crate::{Outcome, say};

/// What the tests need, running. Dropping it stops what it started, and nothing that ran before.
#[derive(Debug)]
#[must_use]
pub(crate) struct Session {
    cache: Cache,
    user: Process,
    variables: Vec<(String, String)>,
}

impl Session {
    pub(crate) fn start() -> Outcome<Self> {
        let user = Process::of(process::id()).ok_or("the command line of this process cannot be read")?;
        // Made first: if the second emulator fails, the first is stopped.
        let mut session = Self { cache: Cache::open()?, user, variables: Vec::new() };
        let wanted: Vec<_> = Emulator::NEEDED_BY_TESTS.into_iter().filter(|&one| !is_given(one)).collect();
        for entry in up(&session.cache, &wanted, Some(&session.user))? {
            session.variables.push((entry.variable(), entry.address()));
        }
        if env::var_os(schemathesis::VARIABLE).is_none() {
            let program = schemathesis::install(&session.cache)?;
            session.variables.push((schemathesis::VARIABLE.to_owned(), program));
        }
        session.variables.extend(browser::variables(&session.cache)?);
        session.variables.extend(workerd::variable(&session.cache)?);
        Ok(session)
    }

    /// What to set so that tests find the emulators.
    pub(crate) fn variables(&self) -> Vec<(&str, &str)> {
        self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Err(what) = stop(&self.cache, |entry| entry.user.as_ref() == Some(&self.user)) {
            say(&what);
        }
    }
}

/// Whether the variable is set already. One that leads nowhere was forgotten after `down`.
fn is_given(emulator: Emulator) -> bool {
    let name = variable(emulator.name());
    let Ok(address) = env::var(&name) else {
        return false;
    };
    let is_reachable = is_reachable(&address);
    if is_reachable {
        say(&format!("{name} is set: the tests use {address}"));
    } else {
        say(&format!("{name} is set, but nobody listens at {address}: another one is used"));
    }
    is_reachable
}
