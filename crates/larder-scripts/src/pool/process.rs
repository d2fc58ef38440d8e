//! A worker, as its parent holds it.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use super::options::{PoolOptions, WorkerProgram};
use crate::limits::{Limits, MAX_LOG_BYTES};
use crate::wire::{Confinement, Frames, FromWorker, Setup, ToWorker, encode};

/// How long a worker may take until it is ready.
const START: Duration = Duration::from_secs(10);
/// Memory beside the script's own: the engine, frames on their way, calls that wait.
const BESIDE: u64 = 128 * 1024 * 1024;
/// What a run may use beyond its limit until it is noticed.
pub(super) const GRACE: Duration = Duration::from_millis(50);

/// A worker process. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Worker {
    child: Child,
    pub(super) input: ChildStdin,
    pub(super) output: ChildStdout,
    pub(super) frames: Frames,
    clock: CpuClock,
    confinement: Confinement,
    /// Whose data it has seen.
    pub(super) tenant: Option<String>,
    /// How many runs it has served.
    pub(super) runs: u64,
}

impl Worker {
    /// Starts a worker and waits until it is ready. It finds no environment but what its program is to have, no working
    /// directory of ours, and no open file but its two streams.
    pub(super) async fn start(options: &PoolOptions) -> io::Result<Self> {
        let WorkerProgram { program, arguments, environment } = &options.program;
        let mut command = Command::new(program);
        command.args(arguments).env_clear().envs(environment.iter().map(|(name, value)| (name, value)));
        command.kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        #[cfg(unix)]
        command.current_dir("/");
        let mut child = command.spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("a worker has no streams"));
        };
        let clock = CpuClock::of(&child);
        let mut worker = Self {
            child,
            input,
            output,
            frames: Frames::new(most(&options.limits)),
            clock,
            confinement: Confinement::new(false, false, false),
            tenant: None,
            runs: 0,
        };
        let setup = setup(options);
        worker.confinement = timeout(START, worker.ready(&setup))
            .await
            .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "the worker does not become ready"))??;
        Ok(worker)
    }

    async fn ready(&mut self, setup: &ToWorker) -> io::Result<Confinement> {
        let mut frame = Vec::new();
        encode(setup, &mut frame)?;
        self.input.write_all(&frame).await?;
        loop {
            if let Some(message) = self.frames.next()? {
                return match message {
                    FromWorker::Ready(confinement) => Ok(confinement),
                    _ => Err(io::Error::new(
                        io::ErrorKind::InvalidData,
                        "the worker begins with something else",
                    )),
                };
            }
            if self.output.read_buf(&mut self.frames.buffer).await? == 0 {
                let why = "the program that is to be a worker ended before it was ready";
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, why));
            }
        }
    }

    /// Processor time that it has used so far, where the system tells.
    pub(super) fn cpu(&self) -> Option<Duration> {
        self.clock.now()
    }

    /// Ends it now, and not only when this is dropped.
    pub(super) fn kill(&mut self) {
        if let Err(error) = self.child.start_kill() {
            tracing::debug!(target: "larder", %error, "a script's worker was gone before it was ended");
        }
    }

    pub(super) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    pub(super) fn confinement(&self) -> Confinement {
        self.confinement
    }
}

/// The most bytes of a frame from a worker: an output and what was thrown, or a call.
fn most(limits: &Limits) -> usize {
    limits.output_bytes.max(MAX_LOG_BYTES) + 64 * 1024
}

pub(super) fn setup(options: &PoolOptions) -> ToWorker {
    let limits = &options.limits;
    let cpu = (limits.cpu + GRACE).saturating_mul(u32::try_from(options.runs_per_worker).unwrap_or(u32::MAX));
    ToWorker::Setup(Setup {
        heap_bytes: limits.heap_bytes as u64,
        memory_bytes: limits.heap_bytes as u64 + BESIDE,
        cpu_seconds: cpu.as_secs().saturating_add(60),
    })
}

/// The clock of the processor time of a process.
#[derive(Debug)]
struct CpuClock {
    #[cfg(target_os = "linux")]
    clock: Option<nix::time::ClockId>,
}

impl CpuClock {
    #[cfg(target_os = "linux")]
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        let clock = id.and_then(|id| nix::time::clock_getcpuclockid(nix::unistd::Pid::from_raw(id)).ok());
        Self { clock }
    }

    #[cfg(not(target_os = "linux"))]
    fn of(_: &Child) -> Self {
        Self {}
    }

    #[cfg(target_os = "linux")]
    fn now(&self) -> Option<Duration> {
        nix::time::clock_gettime(self.clock?).ok().map(Duration::from)
    }

    #[cfg(not(target_os = "linux"))]
    fn now(&self) -> Option<Duration> {
        None
    }
}
