//! One run, as the parent sees it: the worker asks, the parent does, and ends it when it takes too much.

use std::io;
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};

use super::process::{GRACE, Worker};
use crate::host::{Access, execute};
use crate::limits::{Limits, MAX_IN_FLIGHT, MAX_LOG_BYTES};
use crate::outcome::LogLine;
use crate::wire::{End, FromWorker, Run, ToWorker, encode};

/// How often a worker's processor time is looked at: the engine in it looks itself, but not within its own long loops.
const WATCH: Duration = Duration::from_millis(50);

/// What a run said, and how it ended.
#[derive(Default)]
pub(super) struct Said {
    pub(super) logs: Vec<LogLine>,
    pub(super) logs_cut: bool,
    log_bytes: usize,
    /// Whether it asked for anything.
    has_called: bool,
}

/// Why a worker is of no use any more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fate {
    /// It used too much processor time.
    Cpu,
    /// It took too long.
    Wall,
    /// It ended, or said what no worker says.
    Crashed,
}

/// Runs a script in a worker to its end. After a [`Fate`] the worker must be dropped.
pub(super) async fn supervise(
    worker: &mut Worker,
    run: Run,
    access: &Access,
    limits: &Limits,
    said: &mut Said,
) -> Result<End, Fate> {
    let mut outbox = Vec::new();
    encode(&ToWorker::Run(run), &mut outbox).map_err(broken)?;
    let mut sent = 0;
    let mut calls = FuturesUnordered::new();
    let mut calls_left = limits.host_calls;
    let mut end = None;
    let began = Instant::now();
    let mut deadline = pin!(sleep_until(began + limits.wall));
    let mut watch = interval_at(began + WATCH, WATCH);
    watch.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let cpu_before = worker.cpu();
    loop {
        if sent == outbox.len() {
            outbox.clear();
            sent = 0;
            // What nobody awaited in the script is done nevertheless before the run is over.
            if calls.is_empty()
                && let Some(end) = end
            {
                return Ok(end);
            }
        }
        tokio::select! {
            read = worker.output.read_buf(&mut worker.frames.buffer), if end.is_none() => {
                if read.map_err(broken)? == 0 {
                    return Err(Fate::Crashed);
                }
                while end.is_none() && let Some(message) = worker.frames.next().map_err(broken)? {
                    match message {
                        FromWorker::Call { id, call } => {
                            said.has_called = true;
                            calls_left = calls_left.checked_sub(1).ok_or(Fate::Crashed)?;
                            if calls.len() >= MAX_IN_FLIGHT {
                                return Err(Fate::Crashed);
                            }
                            let call = execute(access.clone(), call);
                            calls.push(Box::pin(async move { (id, call.await) }));
                        }
                        FromWorker::Log(line) => said.log(line)?,
                        FromWorker::LogsCut => said.logs_cut = true,
                        FromWorker::Done(how) => end = Some(how),
                        FromWorker::Ready(_) => return Err(Fate::Crashed),
                    }
                }
            }
            Some((id, answer)) = calls.next(), if !calls.is_empty() => {
                // A worker that is done waits for nothing.
                if end.is_none() {
                    encode(&ToWorker::Reply { id, answer }, &mut outbox).map_err(broken)?;
                }
            }
            written = worker.input.write(&outbox[sent..]), if sent < outbox.len() => {
                sent += written.map_err(broken)?;
            }
            () = &mut deadline => return Err(Fate::Wall),
            _ = watch.tick() => {
                let used = worker.cpu().zip(cpu_before).map(|(now, before)| now.saturating_sub(before));
                if used.is_some_and(|used| used > limits.cpu + GRACE) {
                    return Err(Fate::Cpu);
                }
            }
        }
    }
}

impl Said {
    /// Whether the run did nothing that anybody could see.
    pub(super) fn is_nothing(&self) -> bool {
        !self.has_called && self.logs.is_empty()
    }

    /// The worker keeps within the limit; one that does not is none.
    fn log(&mut self, line: LogLine) -> Result<(), Fate> {
        self.log_bytes += line.text.len() + 1;
        if self.log_bytes > MAX_LOG_BYTES + 1 {
            return Err(Fate::Crashed);
        }
        self.logs.push(line);
        Ok(())
    }
}

fn broken(error: io::Error) -> Fate {
    tracing::debug!(target: "larder", %error, "a script's worker broke off");
    Fate::Crashed
}
