//! A runtime of one thread for each core.
//!
//! A connection stays with one of them: on a runtime of many threads, each request would be handed from the thread that
//! waits to one that works, and threads look for work that others have.

use std::io;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use tokio::runtime::{Builder, Handle};
use tokio::sync::watch;

use crate::failure::{Failure, Outcome};

/// As many threads for what blocks as a runtime has unless told.
const BLOCKING: usize = 512;

/// Threads that run what is spawned on them, until this is dropped.
pub(super) struct Cores {
    handles: Vec<Handle>,
    /// Dropped, it ends the threads.
    going_on: Option<watch::Sender<()>>,
    threads: Vec<JoinHandle<()>>,
}

impl Cores {
    /// As many as this process may use at a time.
    pub(super) fn start() -> Outcome<Self> {
        let count = thread::available_parallelism().map_or(1, usize::from);
        Self::some(count).map_err(|error| Failure::at("the runtime", &error))
    }

    fn some(count: usize) -> io::Result<Self> {
        let (going_on, ending) = watch::channel(());
        let mut cores = Self { handles: Vec::new(), going_on: Some(going_on), threads: Vec::new() };
        for number in 0..count {
            let (tell, told) = mpsc::channel();
            let ending = ending.clone();
            let thread = thread::Builder::new().name(format!("core-{number}"));
            // The runtime is made there, since it may not be dropped here if there is no thread to be had.
            cores.threads.push(thread.spawn(move || run(count, ending, &tell))?);
            cores.handles.push(told.recv().map_err(io::Error::other)??);
        }
        Ok(cores)
    }

    pub(super) fn handles(&self) -> &[Handle] {
        &self.handles
    }
}

/// Runs one of so many, and tells its handle or why there is none.
fn run(count: usize, mut ending: watch::Receiver<()>, tell: &mpsc::Sender<io::Result<Handle>>) {
    let mut core = Builder::new_current_thread();
    // Together they have as many threads for what blocks as one runtime would have.
    core.enable_all().max_blocking_threads(BLOCKING.div_ceil(count));
    let runtime = core.build();
    let handle = runtime.as_ref().map(|runtime| runtime.handle().clone());
    // Whoever starts them waits for it.
    let _ = tell.send(handle.map_err(|error| io::Error::new(error.kind(), error.to_string())));
    if let Ok(runtime) = runtime {
        runtime.block_on(async {
            // It fails when the sender is dropped, which is what is waited for.
            let _ = ending.changed().await;
        });
    }
}

impl Drop for Cores {
    /// Waits for the threads, so that what their tasks held is given back.
    fn drop(&mut self) {
        self.going_on = None;
        for thread in self.threads.drain(..) {
            // One that panicked has given back what it held.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn each_runs_its_tasks_on_its_own_thread_and_survives_their_panics() {
        let cores = Cores::some(2).expect("two");
        let runner = Builder::new_current_thread().build().expect("a runtime");
        let names = cores.handles().iter().map(|core| {
            let panicked = runner.block_on(core.spawn(async { panic!("a task") }));
            assert!(panicked.expect_err("a panic").is_panic());
            let named = core.spawn(async { thread::current().name().map(str::to_owned) });
            runner.block_on(named).expect("it runs").expect("a name")
        });
        assert_eq!(names.collect::<Vec<_>>(), ["core-0", "core-1"]);
    }

    #[test]
    fn dropped_they_give_back_what_their_tasks_held() {
        let cores = Cores::some(2).expect("two");
        let held = Arc::new(());
        for core in cores.handles() {
            let held = Arc::clone(&held);
            core.spawn(async move {
                std::future::pending::<()>().await;
                drop(held);
            });
        }
        assert_eq!(Arc::strong_count(&held), 3);
        drop(cores);
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
