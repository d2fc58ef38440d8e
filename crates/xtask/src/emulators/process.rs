//! A process that is known by its id and by what it runs, because ids are used again.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{self, Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use serde::{Deserialize, Serialize};

use crate::Outcome;

/// How long a process has to end by itself. Azurite was seen to take three seconds.
const GRACE: Duration = Duration::from_secs(10);

/// How many bytes of a command line are looked at.
const LONGEST_COMMAND_LINE: usize = 64 * 1024;

/// A process, and the command line by which it is told from a later one with the same id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Process {
    pub(super) pid: u32,
    pub(super) command: String,
}

impl Process {
    /// The process that has this id now.
    pub(super) fn of(pid: u32) -> Option<Self> {
        command_line(pid).map(|command| Self { pid, command })
    }

    /// The program that was just started, unless it has ended. For a moment it has this program's command line still,
    /// and then none yet.
    pub(super) fn of_child(child: &mut Child) -> Option<Self> {
        let ours = command_line(process::id());
        while matches!(child.try_wait(), Ok(None)) {
            let theirs = command_line(child.id());
            if theirs != ours
                && let Some(command) = theirs
            {
                return Some(Self { pid: child.id(), command });
            }
            thread::sleep(Duration::from_millis(1));
        }
        None
    }

    /// Whether it still runs: a process with its id that runs something else is another one.
    pub(super) fn is_running(&self) -> bool {
        command_line(self.pid).is_some_and(|command| command == self.command)
    }

    /// Ends it, and what it has started in its group. Another process that has its id by now is left alone.
    pub(super) fn stop(&self) -> Outcome {
        for signal in [Signal::TERM, Signal::KILL] {
            if !self.is_running() {
                return Ok(());
            }
            let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
            let group = pid.ok_or_else(|| format!("{} is no process id", self.pid))?;
            // An error says that it is gone, or that it is not ours to end: the wait below tells which.
            let sent = kill_process_group(group, signal);
            if !self.ends_within(GRACE) && signal == Signal::KILL {
                return Err(format!("process {} did not end: {sent:?}", self.pid));
            }
        }
        Ok(())
    }

    fn ends_within(&self, limit: Duration) -> bool {
        let start = Instant::now();
        while self.is_running() {
            if start.elapsed() > limit {
                return false;
            }
            thread::sleep(Duration::from_millis(20));
        }
        true
    }
}

/// The arguments of the process, with spaces between them. A process that has ended has none.
fn command_line(pid: u32) -> Option<String> {
    let line = if Path::new("/proc/self/cmdline").exists() {
        // In one read: between two of them the process may have begun to run another program.
        let mut bytes = vec![0; LONGEST_COMMAND_LINE];
        let read =
            File::open(format!("/proc/{pid}/cmdline")).and_then(|mut file| file.read(&mut bytes)).ok()?;
        String::from_utf8_lossy(&bytes[..read]).replace('\0', " ")
    } else {
        // What macOS has instead.
        let output = Command::new("ps").args(["-o", "command=", "-p", &pid.to_string()]).output().ok()?;
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let line = line.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;

    use super::*;

    #[test]
    fn a_process_of_another_program_is_not_ours() {
        let ours = Process::of(process::id()).unwrap();
        assert!(ours.is_running());

        let stale = Process { command: "/cache/dynoxide-1.2.1/bin/dynoxide --port 18000".to_owned(), ..ours };
        assert!(!stale.is_running());
        // This would end the test itself.
        assert_eq!(stale.stop(), Ok(()));
    }

    #[test]
    fn a_stopped_process_is_gone() {
        let mut child = Command::new("sleep").arg("60").process_group(0).spawn().unwrap();
        let process = Process::of_child(&mut child).unwrap();
        assert_eq!(process.command, "sleep 60");
        assert_eq!(process.stop(), Ok(()));
        assert!(!process.is_running());
        assert!(!child.wait().unwrap().success());
    }

    #[test]
    fn a_child_is_known_as_soon_as_it_is_started() {
        for _ in 0..50 {
            let mut child = Command::new("sleep").arg("60").process_group(0).spawn().unwrap();
            let process = Process::of_child(&mut child);
            child.kill().unwrap();
            child.wait().unwrap();
            assert_eq!(process.unwrap().command, "sleep 60");
            assert_eq!(Process::of_child(&mut child), None);
        }
    }
}
