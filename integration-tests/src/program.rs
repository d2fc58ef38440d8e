//! A program of this package, run as a child of the test.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// How long a test waits for the next line before it gives the program up for hung.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running program, killed when this is dropped.
#[derive(Debug)]
pub struct Program {
    process: Child,
    lines: Receiver<String>,
}

impl Program {
    /// Starts it, with pipes for its input and its output.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    #[track_caller]
    pub fn start(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process =
            command.spawn().unwrap_or_else(|error| panic!("{command:?} did not start: {error}"));
        let output = process.stdout.take().expect("its output is a pipe");
        let (sender, lines) = channel();
        thread::spawn(move || {
            let mut output = BufReader::new(output);
            while let Some(line) = whole_line(&mut output) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { process, lines }
    }

    /// The next line that it prints; `None` when it has ended.
    ///
    /// # Panics
    ///
    /// When it neither prints nor ends.
    #[track_caller]
    pub fn line(&self) -> Option<String> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("the program hangs: {:?}", self.process),
        }
    }

    /// The next line, if it has been printed already.
    pub fn line_if_any(&self) -> Option<String> {
        self.lines.try_recv().ok()
    }

    /// All lines up to its end.
    #[track_caller]
    pub fn lines(&self) -> Vec<String> {
        std::iter::from_fn(|| self.line()).collect()
    }

    /// Kills it as `kill -9` does, and returns what it had printed and nobody had read.
    #[track_caller]
    pub fn kill(mut self) -> Vec<String> {
        self.process.kill().expect("it can be killed");
        let unread = self.lines();
        self.process.wait().expect("it can be waited for");
        unread
    }

    /// Closes its input, by which the programs know that they shall end, and waits until it has.
    #[track_caller]
    pub fn end(mut self) -> (ExitStatus, Vec<String>) {
        drop(self.process.stdin.take());
        let unread = self.lines();
        (self.process.wait().expect("it can be waited for"), unread)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The next line, if its end was printed too.
fn whole_line(output: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    output.read_line(&mut line).ok()?;
    line.strip_suffix('\n').map(str::to_owned)
}

/// Waits until the test that started this program closes its input, or is gone.
pub fn wait_for_the_end() {
    // What is sent has no meaning, and a broken pipe is an end as well.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}
