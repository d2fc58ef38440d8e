//! The parent's side: worker processes, and who may use them.

mod options;
mod process;
mod request;
mod slots;
mod supervise;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use metrics::{counter, histogram};
use serde_json::value::RawValue;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

pub use self::options::{PoolOptions, WorkerProgram};
use self::process::Worker;
pub use self::request::{Request, Script};
use self::slots::{Callers, Slots};
use self::supervise::{Fate, Said, supervise};
use crate::limits::{Limits, MAX_SOURCE_BYTES};
use crate::outcome::{Failure, Refused, Report, SyntaxError};
use crate::wire::{Confinement, End, Mode, Run};

/// How long runs took, in seconds, by how they ended.
const DURATION: &str = "larder.scripts.run.duration";
/// Workers that were ended or had ended, by why.
const ENDED: &str = "larder.scripts.workers.ended";
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
    /// When the run was not begun: the pool is full, the caller has too many runs, the input or the source is too large, no
    /// worker can be started. What the run itself comes to is in the report.
    pub async fn run(&self, request: Request) -> Result<Report, Refused> {
        self.start(request, Mode::Run).await
    }

    /// Reads a source as a module without running any of it.
    ///
    /// # Errors
    ///
    /// As [`Pool::run`], and [`Refused::NotChecked`] when the worker was lost over it, whoever is to blame for that. The
    /// inner result is what the source is: a module, or where it is none.
    pub async fn check(&self, request: Request) -> Result<Result<(), SyntaxError>, Refused> {
        let report = self.start(request, Mode::Check).await?;
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
        self.0.slots.confinement()
    }

    async fn start(&self, request: Request, mode: Mode) -> Result<Report, Refused> {
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
        let turn = counted.turn().await;
        // The semaphore is never closed.
        let permit = Arc::clone(&self.0.workers).acquire_owned().await.map_err(|_| Refused::NoWorker)?;
        let pool = self.clone();
        let script = request.script.clone();
        let began = Instant::now();
        // A task of its own: a caller that hangs up does not leave half of a script's writes done.
        let run = tokio::spawn(async move {
            let report = Box::pin(pool.serve(request, mode, permit)).await;
            drop((turn, counted, place));
            report
        });
        run.await.unwrap_or_else(|error| {
            // A defect, or the end of the runtime. What the run did until then is done.
            let (script, is_panic) = (script.name(), error.is_panic());
            tracing::error!(target: "larder", script, is_panic, "the task of a script's run was lost");
            let failure = Failure::Crashed;
            histogram!(DURATION, "outcome" => failure.as_str()).record(began.elapsed().as_secs_f64());
            Ok(Report { result: Err(failure), logs: Vec::new(), logs_cut: false, took: began.elapsed() })
        })
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
        let (worker, ended) = loop {
            let mut worker = self.0.worker(&request.tenant).await?;
            let is_used = worker.runs > 0;
            worker.tenant = Some(request.tenant.clone());
            worker.runs += 1;
            let run = order(&request.script, request.input.clone(), mode, &options.limits);
            let ended = supervise(&mut worker, run, &request.access, &options.limits, &mut said).await;
            // It may have died while it waited for a run. What did nothing can be begun again, on another.
            if !(matches!(ended, Err(Fate::Crashed)) && is_used && said.is_nothing()) {
                break (worker, ended);
            }
        };
        let took = began.elapsed();
        if let Err(fate) = ended {
            let (script, fate) = (request.script.name(), fate.as_str());
            tracing::warn!(target: "larder", script, fate, "a script's worker was lost with its run");
            counter!(ENDED, "reason" => fate).increment(1);
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

impl Inner {
    /// A worker for this tenant.
    async fn worker(&self, tenant: &str) -> Result<Worker, Refused> {
        if let Some(worker) = self.slots.take(tenant, self.workers.available_permits()) {
            return Ok(worker);
        }
        Worker::start(&self.options).await.map_err(|error| {
            let program = self.options.program.program.display();
            tracing::error!(target: "larder", %program, %error, "no worker for scripts");
            Refused::NoWorker
        })
    }
}

impl Fate {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Cpu => "cpu_limit",
            Self::Wall => "time_limit",
            Self::Crashed => "crashed",
        }
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

fn result(ended: Result<End, Fate>) -> Result<Box<RawValue>, Failure> {
    match ended {
        // Whether it is JSON is not for the worker to say.
        Ok(End::Returned(json)) => RawValue::from_string(json).map_err(|_| Failure::Crashed),
        Ok(End::Checked) => Ok(RawValue::NULL.to_owned()),
        Ok(End::Threw(thrown)) => Err(Failure::Threw(thrown)),
        Ok(End::Syntax(error)) => Err(Failure::Syntax(error)),
        Ok(End::Cpu) | Err(Fate::Cpu) => Err(Failure::CpuLimit),
        Ok(End::Memory) => Err(Failure::MemoryLimit),
        Ok(End::OutputTooLarge(bytes)) => {
            Err(Failure::OutputTooLarge(usize::try_from(bytes).unwrap_or(usize::MAX)))
        }
        Err(Fate::Wall) => Err(Failure::TimeLimit),
        Err(Fate::Crashed) => Err(Failure::Crashed),
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
