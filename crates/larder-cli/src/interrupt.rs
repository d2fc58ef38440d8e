//! Signals that end the program before it is done: Ctrl-C, and what a supervisor sends.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

/// How long the work may take to be dropped. What waits for a reader of a pipe, or at a prompt, is not dropped at all.
const GRACE: Duration = Duration::from_secs(1);

/// Directories that go with the process, also when there is no time to drop what holds them.
static DIRS: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Has a directory removed when a signal ends the program.
pub(crate) fn remove_at_the_end(dir: &Path) {
    DIRS.lock().unwrap_or_else(PoisonError::into_inner).push(dir.to_owned());
}

/// A signal that has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Interrupt(u8);

impl Interrupt {
    /// Ends the program's work: 128 and the signal's number, as shells have it. The work is dropped by now.
    pub(crate) fn end(self) -> ExitCode {
        remove_dirs();
        self.code().into()
    }

    fn code(self) -> u8 {
        128 + self.0
    }
}

/// Waits for a signal, on a thread of its own: the work may keep the runtime's from looking.
///
/// Where signals cannot be waited for, the system ends the program as it does by itself.
pub(crate) async fn signal() -> Interrupt {
    let (sender, receiver) = oneshot::channel();
    listen(sender);
    match receiver.await {
        Ok(signal) => signal,
        Err(_) => std::future::pending().await,
    }
}

#[cfg(unix)]
fn listen(sender: oneshot::Sender<Interrupt>) {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) else { return };
    std::thread::spawn(move || {
        let number = signals.forever().next().and_then(|signal| u8::try_from(signal).ok());
        let Some(interrupt) = number.map(Interrupt) else { return };
        // Nobody waits for it once the work is done.
        let _ = sender.send(interrupt);
        std::thread::sleep(GRACE);
        remove_dirs();
        std::process::exit(interrupt.code().into());
    });
}

#[cfg(not(unix))]
fn listen(_: oneshot::Sender<Interrupt>) {}

fn remove_dirs() {
    for dir in DIRS.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
        // Gone already, where the work was dropped.
        let _ = fs::remove_dir_all(dir);
    }
}
