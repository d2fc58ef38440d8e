//! What a run may use.

use std::time::Duration;

/// The most bytes of a script's source: 256 KiB.
pub const MAX_SOURCE_BYTES: usize = 256 * 1024;
/// The most bytes that a run keeps of what it logs: 64 KiB.
pub const MAX_LOG_BYTES: usize = 64 * 1024;
/// The most entries of a page that a script is given: a run can have several under way, and each is held in memory.
pub const MAX_PAGE: usize = 100;
/// The most calls of a run that are made on the store at once; more wait in the worker.
pub(crate) const MAX_IN_FLIGHT: usize = 16;
/// The most bytes of answers that are held for one worker, on their way from the store or to the worker. Calls whose answers
/// could be more wait.
pub(crate) const MAX_HELD: usize = 8 * 1024 * 1024;
/// The longest key, prefix, cursor or version that is sent, in bytes: more than any has, so that the store says why not.
pub(crate) const MAX_TEXT: usize = 4 * 1024;

/// What one run of a script may use. What is beyond it ends the run.
#[derive(Clone, Debug)]
#[must_use]
#[non_exhaustive]
pub struct Limits {
    /// Memory of the script's values, in bytes; 32 MiB unless told, and about 1 GiB at most: with more, no worker starts.
    pub heap_bytes: usize,
    /// The script's own stack, in bytes; 256 KiB unless told.
    pub stack_bytes: usize,
    /// Processor time; 200 ms unless told. Waiting for the store takes none.
    pub cpu: Duration,
    /// Time from start to end; 5 s unless told. Waiting for a worker is not in it.
    pub wall: Duration,
    /// Calls on the store; 1,000 unless told.
    pub host_calls: u32,
    /// Bytes of the input as JSON; 1 MiB unless told.
    pub input_bytes: usize,
    /// Bytes of the output as JSON; 1 MiB unless told.
    pub output_bytes: usize,
}

impl Limits {
    /// The usual limits.
    pub fn new() -> Self {
        Self {
            heap_bytes: 32 * 1024 * 1024,
            stack_bytes: 256 * 1024,
            cpu: Duration::from_millis(200),
            wall: Duration::from_secs(5),
            host_calls: 1_000,
            input_bytes: 1024 * 1024,
            output_bytes: 1024 * 1024,
        }
    }

    /// Limits the memory of the script's values, in bytes.
    pub fn heap_bytes(mut self, bytes: usize) -> Self {
        self.heap_bytes = bytes;
        self
    }

    /// Limits processor time.
    pub fn cpu(mut self, limit: Duration) -> Self {
        self.cpu = limit;
        self
    }

    /// Limits the time from start to end.
    pub fn wall(mut self, limit: Duration) -> Self {
        self.wall = limit;
        self
    }

    /// Limits the calls on the store.
    pub fn host_calls(mut self, calls: u32) -> Self {
        self.host_calls = calls;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}
