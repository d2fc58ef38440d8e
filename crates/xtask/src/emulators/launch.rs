//! Starts an emulator and waits until it answers.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::cache::Cache;
use super::kind::Emulator;
use super::probe::free_port;
use super::process::Process;
use super::state::{Entry, State};
use crate::Outcome;

/// How long an emulator may take until it answers. Seen on an idle machine: 20 ms to 2 s.
const LIMIT: Duration = Duration::from_secs(60);

/// How many ports are tried. One that was free can be taken before the emulator has it.
const ATTEMPTS: u32 = 3;

const LOGS: &str = "logs";

enum Failure {
    Ended(String),
    Other(String),
}

/// Starts it. The caller holds the lock of the state.
pub(super) fn launch(
    cache: &Cache,
    state: &mut State,
    emulator: Emulator,
    directory: &Path,
    user: Option<&Process>,
) -> Outcome<Entry> {
    sweep_logs(cache, state, emulator)?;
    let mut last = String::new();
    for _ in 0..ATTEMPTS {
        match attempt(cache, state, emulator, directory, user) {
            Ok(entry) => return Ok(entry),
            Err(Failure::Ended(what)) => last = what,
            Err(Failure::Other(what)) => return Err(what),
        }
    }
    Err(last)
}

fn attempt(
    cache: &Cache,
    state: &mut State,
    emulator: Emulator,
    directory: &Path,
    user: Option<&Process>,
) -> Result<Entry, Failure> {
    let port = free_port().map_err(Failure::Other)?;
    let log = cache.folder(LOGS).map_err(Failure::Other)?.join(log_name(emulator.name(), port));
    let mut child = spawn(emulator, directory, port, &log).map_err(Failure::Other)?;
    let failed =
        |what: &str| format!("{} {what}\n--- the end of {}\n{}", emulator.name(), log.display(), tail(&log));

    let Some(process) = Process::of_child(&mut child) else {
        return Err(Failure::Ended(failed("ended at once")));
    };
    // Written down before it answers, so that an interrupted run leaves nothing that `down` does not know.
    let mut entry = Entry::new(emulator, port, process, user);
    state.running.push(entry.clone());
    state.save(cache).map_err(Failure::Other)?;

    let failure = match wait(&mut child, emulator, port) {
        Waited::Answers => {
            // A wrapper script may have become the program since.
            state.forget(&entry.process);
            entry.process = Process::of_child(&mut child).unwrap_or(entry.process);
            state.running.push(entry.clone());
            state.save(cache).map_err(Failure::Other)?;
            return Ok(entry);
        }
        Waited::Ended => Failure::Ended(failed("ended before it answered")),
        Waited::Silent => {
            Failure::Other(failed(&format!("did not answer at port {port} within {} s", LIMIT.as_secs())))
        }
    };
    if let Some(process) = Process::of_child(&mut child) {
        process.stop().map_err(Failure::Other)?;
    }
    state.forget(&entry.process);
    state.save(cache).map_err(Failure::Other)?;
    Err(failure)
}

/// It has a process group of its own, so that the Ctrl-C of a test run, or the end of xtask, does not end it.
fn spawn(emulator: Emulator, directory: &Path, port: u16, log: &Path) -> Outcome<Child> {
    let failed = |error: io::Error| format!("{} could not be started: {error}", emulator.name());
    let output = File::create(log).map_err(failed)?;
    let mut command = emulator.command(directory, port);
    let program = command.get_program().to_string_lossy().into_owned();
    command
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(output.try_clone().map_err(failed)?)
        .stderr(output)
        .process_group(0)
        .spawn()
        .map_err(|error| failed(io::Error::new(error.kind(), format!("{program}: {error}"))))
}

enum Waited {
    Answers,
    Ended,
    Silent,
}

fn wait(child: &mut Child, emulator: Emulator, port: u16) -> Waited {
    let start = Instant::now();
    while start.elapsed() < LIMIT {
        let answers = emulator.probe().is_answered(port);
        // Asked second: if it has ended, then it was not this one that answered.
        if !matches!(child.try_wait(), Ok(None)) {
            return Waited::Ended;
        }
        if answers {
            return Waited::Answers;
        }
        thread::sleep(Duration::from_millis(50));
    }
    Waited::Silent
}

fn log_name(name: &str, port: u16) -> String {
    format!("{name}-{port}.log")
}

/// Removes the logs of those that run no more. They are kept until now, for whoever asks why a test failed.
fn sweep_logs(cache: &Cache, state: &State, emulator: Emulator) -> Outcome {
    let current: Vec<_> = state.running.iter().map(|entry| log_name(&entry.name, entry.port)).collect();
    let folder = cache.folder(LOGS)?;
    let files =
        fs::read_dir(&folder).map_err(|error| format!("{} cannot be read: {error}", folder.display()))?;
    for file in files.flatten() {
        let name = file.file_name().to_string_lossy().into_owned();
        if name.starts_with(&format!("{}-", emulator.name())) && !current.contains(&name) {
            fs::remove_file(file.path()).map_err(|error| format!("{name} cannot be removed: {error}"))?;
        }
    }
    Ok(())
}

/// The last lines of a log.
fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}
