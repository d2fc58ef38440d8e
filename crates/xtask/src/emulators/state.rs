//! What runs, as it is written down between two runs of xtask.

use std::fs;
use std::io::ErrorKind;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::cache::{Cache, Lock};
use super::kind::Emulator;
use super::process::Process;
use super::variable;
use crate::Outcome;

const FILE: &str = "state.json";

/// An emulator that was started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) port: u16,
    /// Seconds since 1970.
    pub(super) started: u64,
    #[serde(flatten)]
    pub(super) process: Process,
    /// The run of the tests that started it for itself. `up` starts them for everybody, until `down`.
    pub(super) user: Option<Process>,
}

/// All that runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) running: Vec<Entry>,
}

impl Entry {
    pub(super) fn new(emulator: Emulator, port: u16, process: Process, user: Option<&Process>) -> Self {
        Self {
            name: emulator.name().to_owned(),
            version: emulator.version().to_owned(),
            port,
            started: now(),
            process,
            user: user.cloned(),
        }
    }

    pub(super) fn is(&self, emulator: Emulator) -> bool {
        self.name == emulator.name() && self.version == emulator.version()
    }

    /// Whether tests run that count on having it for themselves. A run that was killed counts on nothing.
    pub(super) fn is_in_use(&self) -> bool {
        self.user.as_ref().is_some_and(Process::is_running)
    }

    pub(super) fn variable(&self) -> String {
        variable(&self.name)
    }

    pub(super) fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl State {
    /// Lets nobody else change what is written down, until the lock is dropped.
    pub(super) fn lock(cache: &Cache) -> Outcome<Lock> {
        cache.lock("state")
    }

    pub(super) fn load(cache: &Cache) -> Outcome<Self> {
        let path = cache.path(FILE);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(format!("{} cannot be read: {error}", path.display())),
        };
        serde_json::from_slice(&text).map_err(|error| {
            format!("{} is damaged: {error}; stop what it lists, and remove it", path.display())
        })
    }

    /// Replaces the file at once: a reader sees the old state or the new one.
    pub(super) fn save(&self, cache: &Cache) -> Outcome {
        let (path, new) = (cache.path(FILE), cache.path("state.json.new"));
        let text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        fs::write(&new, text + "\n")
            .and_then(|()| fs::rename(&new, &path))
            .map_err(|error| format!("{} cannot be written: {error}", path.display()))
    }

    pub(super) fn forget(&mut self, process: &Process) {
        self.running.retain(|entry| entry.process.pid != process.pid);
    }
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn entry(pid: u32) -> Entry {
        let process = Process { pid, command: format!("dynoxide --port {pid}") };
        Entry::new(
            Emulator::Dynoxide,
            18000,
            process,
            Some(&Process { pid: 7, command: "xtask test".to_owned() }),
        )
    }

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path()).unwrap();
        assert_eq!(State::load(&cache), Ok(State::default()));

        let state = State { running: vec![entry(1), Entry { user: None, ..entry(2) }] };
        state.save(&cache).unwrap();
        assert_eq!(State::load(&cache), Ok(state));
    }

    #[test]
    fn a_damaged_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path()).unwrap();
        fs::write(cache.path(FILE), "{\"running\":").unwrap();
        let error = State::load(&cache).unwrap_err();
        assert!(error.contains("state.json is damaged"), "{error}");
    }

    #[test]
    fn two_runs_at_once_lose_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path()).unwrap();
        thread::scope(|scope| {
            for run in 0..4 {
                let cache = &cache;
                scope.spawn(move || {
                    for step in 0..10 {
                        let _lock = State::lock(cache).unwrap();
                        let mut state = State::load(cache).unwrap();
                        state.running.push(entry(run * 10 + step));
                        state.save(cache).unwrap();
                    }
                });
            }
        });
        assert_eq!(State::load(&cache).unwrap().running.len(), 40);
    }
}
