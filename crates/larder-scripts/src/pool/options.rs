//! Settings of a pool.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::limits::Limits;

/// The program that is started as a worker: one that calls [`serve_worker`](crate::serve_worker) first of all.
#[derive(Clone, Debug)]
pub struct WorkerProgram {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<OsString>,
    pub(super) environment: Vec<(OsString, OsString)>,
}

impl WorkerProgram {
    /// This program, without arguments.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), arguments: Vec::new(), environment: Vec::new() }
    }

    /// This very program, which must be told by an argument that it is a worker.
    ///
    /// # Errors
    ///
    /// When the system does not tell where it is.
    pub fn this() -> std::io::Result<Self> {
        // On Linux this names the program that runs, also once its file was replaced by a newer one.
        let running = Path::new("/proc/self/exe");
        if cfg!(target_os = "linux") && running.exists() {
            return Ok(Self::new(running));
        }
        std::env::current_exe().map(Self::new)
    }

    /// One argument more.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// A variable of its environment, which has none of this process's.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }
}

/// Settings of a pool.
#[derive(Clone, Debug)]
#[must_use]
#[non_exhaustive]
pub struct PoolOptions {
    /// The workers' program.
    pub program: WorkerProgram,
    /// The most workers, each a process with one run at a time; twice the processors unless told, and at least 4, since a
    /// run waits for its store most of the time.
    pub workers: usize,
    /// The most runs that wait for a worker; 8 for each worker unless told.
    pub queue: usize,
    /// How long a run waits for a worker, and for its turn among its caller's, until it is refused; 10 s unless told, which
    /// is twice what a run may take.
    pub wait: Duration,
    /// The most runs of one caller that are under way or wait; 32 unless told, and half of all at most. Where there are
    /// several workers, one caller never has all of them at once.
    pub per_caller: usize,
    /// How many runs a worker serves before it is replaced; 10,000 unless told.
    pub runs_per_worker: u64,
    /// What a run may use.
    pub limits: Limits,
}

impl PoolOptions {
    /// The usual settings.
    pub fn new(program: WorkerProgram) -> Self {
        let workers =
            std::thread::available_parallelism().map_or(4, |processors| (2 * processors.get()).max(4));
        Self {
            program,
            workers,
            queue: 8 * workers,
            wait: Duration::from_secs(10),
            per_caller: most_of_one(workers),
            runs_per_worker: 10_000,
            limits: Limits::new(),
        }
    }

    /// The most workers, at least 1, and 8 times as many runs that wait for one, half of them of one caller.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers.max(1);
        self.queue = 8 * self.workers;
        self.per_caller = most_of_one(self.workers);
        self
    }

    /// The most runs that wait for a worker.
    pub fn queue(mut self, runs: usize) -> Self {
        self.queue = runs;
        self
    }

    /// How long a run waits for a worker until it is refused.
    pub fn wait(mut self, limit: Duration) -> Self {
        self.wait = limit;
        self
    }

    /// The most runs of one caller that are under way or wait.
    pub fn per_caller(mut self, runs: usize) -> Self {
        self.per_caller = runs;
        self
    }

    /// How many runs a worker serves before it is replaced.
    pub fn runs_per_worker(mut self, runs: u64) -> Self {
        self.runs_per_worker = runs;
        self
    }

    /// What a run may use.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}

/// The most runs of one caller, where there is room for 9 of each worker.
fn most_of_one(workers: usize) -> usize {
    (9 * workers / 2).min(32)
}
