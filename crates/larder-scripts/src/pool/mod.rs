//! The parent's side: worker processes, and who may use them.

mod calls;
mod options;
mod process;
mod request;
mod slots;
mod supervise;

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use metrics::{counter, gauge, histogram};
use serde_json::value::RawValue;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

pub use self::options::{PoolOptions, WorkerProgram};
use self::process::Worker;
pub use self::request::{Request, Script};
use self::slots::{Callers, Slots};
use self::supervise::{Said, supervise};
use crate::limits::{Limits, MAX_SOURCE_BYTES};
use crate::outcome::{Failure, Refused, Report, SyntaxError};
use crate::wire::{Confinement, End, Mode, Run};

/// How long runs took, in seconds, by how they ended.
const DURATION: &str = "larder.scripts.run.duration";
/// Workers that were ended or had ended, by why.
const ENDED: &str = "larder.scripts.workers.ended";
/// Whether the kernel filters the system calls of the worker that was started last: 1 or 0.
const SECCOMP: &str = "larder.scripts.workers.seccomp";
/// When to come back to a pool that is full.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Worker processes that run scripts. Cheap to clone; the workers end with the last clone.
///
/// A worker is started when a run finds none, serves one tenant, and has one run at a time. One that crashes, or is ended
/// because its run took too much, fails that run only.
#[derive(Clone)]
pub struct Pool(Arc<Inner>);

struct Inner {
    options: PoolOptions,
    /// One permit for each worker that may be.
    workers: Arc<Semaphore>,
    /// One permit for each run that is under way or waits.
    places: Arc<Semaphore>,
    callers: Arc<Callers>,
    slots: Slots,
    /// What keeps the first worker in.
    confinement: OnceLock<Confinement>,
}

impl Pool {
    /// A pool. Nothing is started before the first run.
    pub fn new(options: PoolOptions) -> Self {
        let workers = options.workers.max(1);
        Self(Arc::new(Inner {
            workers: Arc::new(Semaphore::new(workers)),
            places: Arc::new(Semaphore::new(workers + options.queue)),
            callers: Arc::new(Callers::of(workers)),
            slots: Slots::default(),
            confinement: OnceLock::new(),
            options,
        }))
    }

    /// What a run may use.
    pub fn limits(&self) -> &Limits {
        &self.0.options.limits
    }

    /// Runs a script. The run goes on to its end also when this future is dropped.
    ///
    /// # Errors
    ///
    /// When the run was not begun: the pool is full or no worker was free in time, the caller has too many runs or none of
    /// them ended in time, the input or the source is too large, no worker can be started. What the run itself comes to is
    /// in the report.
    pub async fn run(&self, request: Request) -> Result<Report, Refused> {
        self.begin(request).await?.end().await
    }

    /// Waits for a worker and begins a run, which then goes on to its end whoever waits for it. While it waits for a worker,
    /// dropping this future takes it back.
    ///
    /// # Errors
    ///
    /// As [`Pool::run`].
    pub async fn begin(&self, request: Request) -> Result<Running, Refused> {
        self.start(request, Mode::Run).await
    }

    /// Reads a source as a module without running any of it.
    ///
    /// # Errors
    ///
    /// As [`Pool::run`], and [`Refused::NotChecked`] when the worker was lost over it, whoever is to blame for that. The
    /// inner result is what the source is: a module, or where it is none.
    pub async fn check(&self, request: Request) -> Result<Result<(), SyntaxError>, Refused> {
        let report = self.start(request, Mode::Check).await?.end().await?;
        match report.result {
            Ok(_) => Ok(Ok(())),
            Err(failure) => fault(failure).map(Err),
        }
    }

    /// The process ids of the workers that have no run now.
    pub fn idle_workers(&self) -> Vec<u32> {
        self.0.slots.ids()
    }

    /// What keeps the workers in; `None` before the first was started.
    pub fn confinement(&self) -> Option<Confinement> {
        self.0.confinement.get().copied()
    }

    async fn start(&self, request: Request, mode: Mode) -> Result<Running, Refused> {
        let limits = self.limits();
        let input = request.input.as_ref().map_or(0, String::len);
        if input > limits.input_bytes {
            return Err(Refused::InputTooLarge { bytes: input, limit: limits.input_bytes });
        }
        if request.script.source().len() > MAX_SOURCE_BYTES {
            return Err(Refused::SourceTooLarge);
        }
        let options = &self.0.options;
        let counted = self.0.callers.count(&request.caller, options.per_caller).ok_or(Refused::CallerBusy)?;
        let place = Arc::clone(&self.0.places).try_acquire_owned();
        let place = place.map_err(|_| Refused::Busy { retry_after: RETRY_AFTER })?;
        let free = async {
            let turn = counted.turn().await;
            (turn, Arc::clone(&self.0.workers).acquire_owned().await)
        };
        let (turn, permit) =
            timeout(options.wait, free).await.map_err(|_| match counted.has_its_share() {
                true => Refused::CallerBusy,
                false => Refused::Busy { retry_after: RETRY_AFTER },
            })?;
        // The semaphores are never closed.
        let (Some(turn), Ok(permit)) = (turn, permit) else { return Err(Refused::NoWorker) };
        let working = counted.work(turn);
        let pool = self.clone();
        let script = request.script.clone();
        let began = Instant::now();
        // A task of its own: a caller that hangs up does not leave half of a script's writes done.
        let task = tokio::spawn(async move {
            let report = Box::pin(pool.serve(request, mode, permit)).await;
            drop((working, place));
            report
        });
        Ok(Running { task, script, began })
    }

    async fn serve(
        &self,
        request: Request,
        mode: Mode,
        permit: OwnedSemaphorePermit,
    ) -> Result<Report, Refused> {
        let Inner { options, slots, .. } = &*self.0;
        let began = Instant::now();
        let mut said = Said::default();
        // A worker that had waited, if there is one; after that a new one, which cannot have died before the run began.
        let mut idle = slots.take(&request.tenant, self.0.workers.available_permits());
        let (worker, ended) = loop {
            let (mut worker, is_used) = match idle.take() {
                Some(worker) => (worker, true),
                None => (self.0.start().await?, false),
            };
            worker.tenant = Some(request.tenant.clone());
            worker.runs += 1;
            let run = order(&request.script, request.input.clone(), mode, &options.limits);
            let ended = supervise(&mut worker, run, &request.access, &options.limits, &mut said).await;
            // It may have died while it waited for a run. What did nothing can be begun again, but once: a source that kills
            // its workers must not have all those that wait.
            if !(matches!(ended, Err(Failure::Crashed)) && is_used && said.did_nothing()) {
                break (worker, ended);
            }
        };
        let took = began.elapsed();
        if let Err(failure) = &ended {
            let (script, reason) = (request.script.name(), failure.as_str());
            tracing::warn!(target: "larder", script, reason, "a script's worker was lost with its run");
            counter!(ENDED, "reason" => reason).increment(1);
        } else if worker.runs < options.runs_per_worker {
            slots.put(worker);
        }
        drop(permit);
        let result = result(ended);
        let outcome = result.as_ref().err().map_or("returned", Failure::as_str);
        histogram!(DURATION, "outcome" => outcome).record(took.as_secs_f64());
        Ok(Report { result, logs: said.logs, logs_cut: said.logs_cut, took })
    }
}

/// A run that was begun. It goes on to its end also when this is dropped.
#[derive(Debug)]
#[must_use]
pub struct Running {
    task: JoinHandle<Result<Report, Refused>>,
    script: Script,
    began: Instant,
}

impl Running {
    /// Waits for the end of the run.
    ///
    /// # Errors
    ///
    /// When no worker could be started for it: nothing was done.
    pub async fn end(self) -> Result<Report, Refused> {
        let Self { task, script, began } = self;
        task.await.unwrap_or_else(|error| {
            // A defect, or the end of the runtime. What the run did until then is done.
            let (script, is_panic) = (script.name(), error.is_panic());
            tracing::error!(target: "larder", script, is_panic, "the task of a script's run was lost");
            let failure = Failure::Crashed;
            histogram!(DURATION, "outcome" => failure.as_str()).record(began.elapsed().as_secs_f64());
            Ok(Report { result: Err(failure), logs: Vec::new(), logs_cut: false, took: began.elapsed() })
        })
    }
}

impl Inner {
    /// A new worker.
    async fn start(&self) -> Result<Worker, Refused> {
        let worker = Worker::start(&self.options).await.map_err(|error| {
            let program = self.options.program.program.display();
            tracing::error!(target: "larder", %program, %error, "no worker for scripts");
            Refused::NoWorker
        })?;
        let confinement = worker.confinement();
        let is_first = self.confinement.set(confinement).is_ok();
        gauge!(SECCOMP).set(if confinement.seccomp { 1.0 } else { 0.0 });
        if is_first && !confinement.seccomp {
            tracing::warn!(
                target: "larder",
                "the kernel does not filter the system calls of scripts' workers (seccomp): a script that took its worker \
                 over could make any that this user may"
            );
        }
        Ok(worker)
    }
}

fn order(script: &Script, input: Option<String>, mode: Mode, limits: &Limits) -> Run {
    Run {
        mode,
        name: script.name().to_owned(),
        version: script.version().to_owned(),
        hash: script.hash(),
        source: script.source().to_owned(),
        input,
        heap_bytes: limits.heap_bytes as u64,
        stack_bytes: limits.stack_bytes as u64,
        cpu_micros: u64::try_from(limits.cpu.as_micros()).unwrap_or(u64::MAX),
        wall_millis: u64::try_from(limits.wall.as_millis()).unwrap_or(u64::MAX),
        host_calls: limits.host_calls,
        output_bytes: limits.output_bytes as u64,
    }
}

/// What is wrong with a source that could not be read, if that is the source's fault.
fn fault(failure: Failure) -> Result<SyntaxError, Refused> {
    match failure {
        Failure::Syntax(error) => Ok(error),
        Failure::CpuLimit | Failure::MemoryLimit => {
            let message = format!("the source cannot be compiled within the limits ({})", failure.as_str());
            Ok(SyntaxError { message, line: 0, column: 0 })
        }
        _ => Err(Refused::NotChecked),
    }
}

fn result(ended: Result<End, Failure>) -> Result<Box<RawValue>, Failure> {
    match ended? {
        // Whether it is JSON is not for the worker to say.
        End::Returned(json) => RawValue::from_string(json).map_err(|_| Failure::Crashed),
        End::Checked => Ok(RawValue::NULL.to_owned()),
        End::Threw(thrown) => Err(Failure::Threw(thrown)),
        End::Syntax(error) => Err(Failure::Syntax(error)),
        End::Cpu => Err(Failure::CpuLimit),
        End::Memory => Err(Failure::MemoryLimit),
        End::OutputTooLarge(bytes) => {
            Err(Failure::OutputTooLarge(usize::try_from(bytes).unwrap_or(usize::MAX)))
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("options", &self.0.options).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_to_blame_for_what_it_is_and_takes_and_not_for_a_lost_worker() {
        let syntax = SyntaxError { message: "wrong".to_owned(), line: 3, column: 4 };
        assert_eq!(fault(Failure::Syntax(syntax.clone())), Ok(syntax));
        for failure in [Failure::CpuLimit, Failure::MemoryLimit] {
            assert!(fault(failure).is_ok_and(|error| error.message.contains("within the limits")));
        }
        for failure in [Failure::Crashed, Failure::TimeLimit, Failure::OutputTooLarge(1)] {
            assert_eq!(fault(failure), Err(Refused::NotChecked));
        }
    }
}
