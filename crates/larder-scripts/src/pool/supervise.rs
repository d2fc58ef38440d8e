//! One run, as the parent sees it: the worker asks, the parent does, and ends it when it takes too much.

use std::io;
use std::pin::pin;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::calls::Calls;
use super::process::{GRACE, Worker};
use crate::host::Access;
use crate::limits::{Limits, MAX_LOG_BYTES};
use crate::outcome::{Failure, LogLine};
use crate::wire::{End, FromWorker, Run, ToWorker, encode};

/// How often a worker's processor time is looked at: the engine in it looks itself, but not within its own long loops.
const WATCH: Duration = Duration::from_millis(20);

/// What a run said, and how it ended.
#[derive(Default)]
pub(super) struct Said {
    pub(super) logs: Vec<LogLine>,
    pub(super) logs_cut: bool,
    log_bytes: usize,
    /// Whether it asked for anything.
    has_called: bool,
}

/// Runs a script in a worker to its end. After a failure the worker must be dropped.
pub(super) async fn supervise(
    worker: &mut Worker,
    run: Run,
    access: &Access,
    limits: &Limits,
    said: &mut Said,
) -> Result<End, Failure> {
    let mut outbox = Vec::new();
    encode(&ToWorker::Run(run), &mut outbox).map_err(broken)?;
    let mut sent = 0;
    let mut calls = Calls::new(access.clone(), limits.host_calls);
    let mut end = None;
    let began = Instant::now();
    let deadline = began + limits.wall;
    let mut watch = pin!(sleep_until((began + WATCH).min(deadline)));
    let cpu_before = worker.cpu();
    loop {
        if sent == outbox.len() {
            outbox.clear();
            sent = 0;
            // What nobody awaited in the script is done nevertheless before the run is over.
            if calls.is_empty()
                && let Some(end) = end
            {
                // What a worker says behind its end must not be heard as of the next run.
                return if worker.frames.buffer.is_empty() { Ok(end) } else { Err(Failure::Crashed) };
            }
        }
        // All of it counts until all of it is sent: that is when it is given back.
        calls.make(outbox.len());
        tokio::select! {
            read = worker.output.read_buf(&mut worker.frames.buffer), if end.is_none() => {
                if read.map_err(broken)? == 0 {
                    return Err(Failure::Crashed);
                }
                while end.is_none() && let Some(message) = worker.frames.next().map_err(broken)? {
                    match message {
                        FromWorker::Call { id, call } => {
                            said.has_called = true;
                            calls.push(id, call)?;
                        }
                        FromWorker::Log(line) => said.log(line)?,
                        FromWorker::LogsCut => said.logs_cut = true,
                        FromWorker::Done(how) => end = Some(how),
                        FromWorker::Ready(_) => return Err(Failure::Crashed),
                    }
                }
            }
            Some((id, answer)) = calls.next() => {
                // A worker that is done waits for nothing.
                if end.is_none() {
                    encode(&ToWorker::Reply { id, answer }, &mut outbox).map_err(broken)?;
                }
            }
            written = worker.input.write(&outbox[sent..]), if sent < outbox.len() => {
                sent += written.map_err(broken)?;
            }
            () = &mut watch => {
                let now = Instant::now();
                if now >= deadline {
                    return Err(Failure::TimeLimit);
                }
                watch.as_mut().reset((now + WATCH).min(deadline));
                let used = worker.cpu().zip(cpu_before).map(|(now, before)| now.saturating_sub(before));
                if used.is_some_and(|used| used > limits.cpu + GRACE) {
                    return Err(cut_off(worker, calls, deadline).await);
                }
            }
        }
    }
}

/// Ends a worker whose run took too much processor time, and waits for the calls that are under way: dropped, a write may be
/// applied later (P4). What waits for room is not made any more.
async fn cut_off(worker: &mut Worker, mut calls: Calls, deadline: Instant) -> Failure {
    worker.kill();
    let settled = timeout_at(deadline, async { while calls.next().await.is_some() {} }).await;
    // Which is more than that it took too much processor time: what is dropped now may still be applied.
    settled.map_or(Failure::TimeLimit, |()| Failure::CpuLimit)
}

impl Said {
    /// Whether the run did nothing that anybody could see.
    pub(super) fn did_nothing(&self) -> bool {
        !self.has_called && self.logs.is_empty()
    }

    /// The worker keeps within the limit; one that does not is none.
    fn log(&mut self, line: LogLine) -> Result<(), Failure> {
        self.log_bytes += line.text.len() + 1;
        if self.log_bytes > MAX_LOG_BYTES + 1 {
            return Err(Failure::Crashed);
        }
        self.logs.push(line);
        Ok(())
    }
}

fn broken(error: io::Error) -> Failure {
    tracing::debug!(target: "larder", %error, "a script's worker broke off");
    Failure::Crashed
}

#[cfg(all(test, unix))]
mod tests {
    use std::fmt::Write;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;
    use futures_util::future::join_all;
    use larder_conformance::wrap::{Call as DriverCall, Counting, Hook, Method, Verdict};
    use larder_core::driver::Driver;
    use larder_core::{Kv, MAX_VALUE_BYTES, MemoryDriver, PutOptions};
    use tokio::sync::Barrier;
    use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
    use tracing_subscriber::registry::Registry;

    use super::*;
    use crate::limits::{MAX_HELD, MAX_IN_FLIGHT, MAX_PAGE};
    use crate::pool::{Pool, PoolOptions, Request, Script, WorkerProgram, order, process};
    use crate::wire::{Answer, Call, Confinement, Mode, When};

    /// Text for the shell's `printf` that writes these messages.
    fn printed(messages: &[FromWorker]) -> String {
        let mut bytes = Vec::new();
        messages.iter().for_each(|message| encode(message, &mut bytes).expect("it fits"));
        bytes.iter().fold(String::new(), |mut text, byte| {
            write!(text, "\\{byte:03o}").expect("text");
            text
        })
    }

    /// What a worker does that waits for ever.
    const WAITS: &str = "exec sleep 600";

    /// A worker that is kept in like this, says this once it has a run, and after that does what the shell is told, and reads
    /// nothing.
    fn hostile(limits: &Limits, confinement: Confinement, says: &[FromWorker], then: &str) -> PoolOptions {
        let mut options = PoolOptions::new(WorkerProgram::new("/bin/sh")).limits(limits.clone());
        let mut setup = Vec::new();
        encode(&process::setup(&options), &mut setup).expect("it fits");
        let ready = printed(&[FromWorker::Ready(confinement)]);
        let body = format!(
            "dd bs=1 count={} of=/dev/null; printf '{ready}'; dd bs=1 count=1 of=/dev/null; printf '{}'; {then}",
            setup.len(),
            printed(says)
        );
        options.program = options.program.arg("-c").arg(body);
        options
    }

    async fn ended(limits: &Limits, says: &[FromWorker], access: &Access) -> Failure {
        let options = hostile(limits, Confinement::new(true, true, true), says, WAITS);
        let mut worker = Worker::start(&options).await.expect("it starts");
        let run = order(&Script::new("s", "v", "1"), None, Mode::Run, &options.limits);
        let ended = supervise(&mut worker, run, access, limits, &mut Said::default()).await;
        ended.err().expect("it does not end well")
    }

    #[tokio::test]
    async fn for_a_worker_that_asks_for_much_and_reads_nothing_little_is_held() {
        let counting = Counting::new();
        let kv = Kv::new(counting.over(MemoryDriver::new()));
        for number in 0..MAX_PAGE {
            let value = vec![b'x'; MAX_VALUE_BYTES];
            kv.put(format!("k{number}"), value, PutOptions::new()).await.expect("a put");
        }
        let limits = Limits::new().wall(Duration::from_secs(2)).cpu(Duration::from_secs(60));
        let scan = |id| FromWorker::Call {
            id,
            call: Call::Scan { prefix: String::new(), limit: u32::MAX, cursor: None },
        };
        let says: Vec<_> = (0..MAX_IN_FLIGHT as u32).map(scan).collect();
        let failure = ended(&limits, &says, &Access::all(kv)).await;
        assert!(matches!(failure, Failure::TimeLimit), "{failure:?}");
        assert_eq!(counting.calls(Method::Scan), MAX_HELD / (MAX_PAGE * MAX_VALUE_BYTES));
    }

    #[tokio::test]
    async fn a_call_that_no_worker_makes_ends_it() {
        let limits = Limits::new().wall(Duration::from_secs(60));
        let long = || "k".repeat(5_000);
        let put = |key, value| Call::Put { key, value, ttl_millis: None, when: When::Always };
        for call in [
            Call::Get { key: long() },
            Call::Delete { key: "k".to_owned(), version: Some(long()) },
            Call::Scan { prefix: long(), limit: 1, cursor: None },
            put("k".to_owned(), vec![0; MAX_VALUE_BYTES + 1]),
            put(long(), Vec::new()),
        ] {
            let says = [FromWorker::Call { id: 0, call }];
            let failure = ended(&limits, &says, &Access::all(Kv::new(MemoryDriver::new()))).await;
            assert!(matches!(failure, Failure::Crashed), "{failure:?}");
        }
    }

    /// Holds up every write of data until this worker has ended; for ever if there is none.
    #[cfg(target_os = "linux")]
    #[derive(Debug)]
    struct UntilEnded(Option<u32>);

    #[cfg(target_os = "linux")]
    #[async_trait]
    impl Hook for UntilEnded {
        async fn before(&self, call: DriverCall<'_>, _: &dyn Driver) -> Verdict {
            if matches!(call, DriverCall::Write(..)) && !call.is_system() {
                let Some(id) = self.0 else { return std::future::pending().await };
                // Nobody waits for it yet, so that something of it stays.
                while std::fs::read_to_string(format!("/proc/{id}/stat"))
                    .is_ok_and(|stat| !stat.contains(") Z "))
                {
                    tokio::task::yield_now().await;
                }
            }
            Verdict::Pass
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn what_is_under_way_when_a_worker_is_ended_over_its_processor_time_is_waited_for() {
        for waits_for_ever in [false, true] {
            let wall = Duration::from_secs(if waits_for_ever { 1 } else { 60 });
            let limits = Limits::new().wall(wall).cpu(Duration::from_millis(1));
            let put = |key: &str| FromWorker::Call {
                id: 0,
                call: Call::Put {
                    key: key.to_owned(),
                    value: b"v".to_vec(),
                    ttl_millis: None,
                    when: When::Always,
                },
            };
            let confinement = Confinement::new(true, true, true);
            let options = hostile(&limits, confinement, &[put("k"), put("l")], "while :; do :; done");
            let mut worker = Worker::start(&options).await.expect("it starts");
            let hook = Arc::new(UntilEnded(worker.id().filter(|_| !waits_for_ever)));
            let memory = Arc::new(MemoryDriver::new());
            let access = Access::all(Kv::new(hook.over(Arc::clone(&memory))));
            let run = order(&Script::new("s", "v", "1"), None, Mode::Run, &options.limits);
            let ended = supervise(&mut worker, run, &access, &limits, &mut Said::default()).await;
            let failure = ended.err().expect("it does not end well");
            let kv = Kv::new(memory);
            let stored = [kv.exists("k").await.expect("an answer"), kv.exists("l").await.expect("an answer")];
            if waits_for_ever {
                assert!(matches!(failure, Failure::TimeLimit), "it may still be applied: {failure:?}");
                assert_eq!(stored, [false, false]);
            } else {
                assert!(matches!(failure, Failure::CpuLimit), "{failure:?}");
                assert_eq!(stored, [true, true], "nothing is left of it that could be applied later");
            }
        }
    }

    /// Counts the warnings about seccomp.
    #[derive(Clone, Default)]
    struct Warnings(Arc<AtomicUsize>);

    impl<S: tracing::Subscriber> Layer<S> for Warnings {
        fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
            struct Message<'a>(&'a Warnings);
            impl tracing::field::Visit for Message<'_> {
                fn record_debug(&mut self, _: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                    if format!("{value:?}").contains("seccomp") {
                        self.0.0.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
            event.record(&mut Message(self));
        }
    }

    #[tokio::test]
    async fn that_no_calls_are_filtered_is_said_once() {
        for (seccomp, said) in [(false, 1), (true, 0)] {
            let warnings = Warnings::default();
            let _listening = tracing::subscriber::set_default(Registry::default().with(warnings.clone()));
            let confinement = Confinement::new(true, true, seccomp);
            // It breaks off each run, so that there are two workers.
            let says = [FromWorker::Ready(confinement)];
            let limits = Limits::new().wall(Duration::from_secs(60));
            let pool = Pool::new(hostile(&limits, confinement, &says, WAITS));
            assert_eq!(pool.confinement(), None);
            for _ in 0..2 {
                let request = Request {
                    script: Script::new("s", "v", "1"),
                    input: None,
                    access: Access::none(Kv::new(MemoryDriver::new())),
                    tenant: String::new(),
                    caller: String::new(),
                };
                let report = pool.run(request).await.expect("it is begun");
                assert!(matches!(report.result, Err(Failure::Crashed)), "{report:?}");
            }
            assert_eq!(warnings.0.load(Ordering::Relaxed), said);
            assert_eq!(pool.confinement(), Some(confinement));
        }
    }

    /// Answers reads only when so many are made at once.
    #[derive(Debug)]
    struct Together(Barrier);

    #[async_trait]
    impl Hook for Together {
        async fn before(&self, call: DriverCall<'_>, _: &dyn Driver) -> Verdict {
            if call.method() == Method::Get && !call.is_system() {
                self.0.wait().await;
            }
            Verdict::Pass
        }
    }

    /// A program that serves runs of this script, each of which reads once, and ends over those of the other.
    fn mortal(limits: &Limits, good: &Script, fatal: &Script) -> PoolOptions {
        let mut options = PoolOptions::new(WorkerProgram::new("/bin/sh")).workers(4).limits(limits.clone());
        let bytes = |message: &ToWorker| {
            let mut bytes = Vec::new();
            encode(message, &mut bytes).expect("it fits");
            bytes
        };
        let run = |script| bytes(&ToWorker::Run(order(script, None, Mode::Run, limits)));
        let (good, fatal) = (run(good), run(fatal));
        assert_ne!(good[0], fatal[0], "it tells them apart by the first byte, which is of the length");
        let reply = bytes(&ToWorker::Reply { id: 0, answer: Ok(Answer::Flag(false)) });
        let body = format!(
            "take() {{ dd bs=1 count=$1 of=/dev/null; }}
             take {}; printf '{}'
             while first=$(dd bs=1 count=1 | od -An -tu1); [ ${{first:-{fatal}}} -ne {fatal} ]; do
                 take {}; printf '{}'; take {}; printf '{}'
             done",
            bytes(&process::setup(&options)).len(),
            printed(&[FromWorker::Ready(Confinement::new(true, true, true))]),
            good.len() - 1,
            printed(&[FromWorker::Call { id: 0, call: Call::Exists { key: "k".to_owned() } }]),
            reply.len(),
            printed(&[FromWorker::Done(End::Returned("1".to_owned()))]),
            fatal = fatal[0],
        );
        options.program = options.program.arg("-c").arg(body);
        options
    }

    #[tokio::test]
    async fn a_source_that_kills_its_worker_has_one_that_waited_and_no_more() {
        let (good, fatal) = (Script::new("s", "v", "1"), Script::new("s", "v", "22"));
        let limits = Limits::new().wall(Duration::from_secs(60));
        let pool = Pool::new(mortal(&limits, &good, &fatal));
        let kv = Kv::new(Arc::new(Together(Barrier::new(3))).over(MemoryDriver::new()));
        let run = |script: &Script| {
            pool.run(Request {
                script: script.clone(),
                input: None,
                access: Access::all(kv.clone()),
                tenant: String::new(),
                caller: String::new(),
            })
        };
        for report in join_all((0..3).map(|_| run(&good))).await {
            report.expect("it is begun").result.expect("a result");
        }
        let before = pool.idle_workers();
        assert_eq!(before.len(), 3);
        let report = run(&fatal).await.expect("it is begun");
        assert!(matches!(report.result, Err(Failure::Crashed)), "{report:?}");
        let after = pool.idle_workers();
        assert_eq!(
            after.len(),
            2,
            "one that waited, and a new one, were lost over it: {before:?}, {after:?}"
        );
        assert!(after.iter().all(|id| before.contains(id)));
    }
}
