//! Who may use the workers, and what one that is lost takes with it.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use larder_core::{Clock, Kv, MemoryDriver, SystemClock};
use larder_scripts::{Failure, Limits, Refused};

use crate::support::{Bench, module, options};

#[tokio::test]
async fn runs_wait_for_a_worker_and_no_more_than_may() {
    let limits = Limits::new().cpu(Duration::from_secs(5)).wall(Duration::from_secs(20));
    let bench = Bench::with(options().workers(1).queue(2).limits(limits));
    let source = module("let n = 0; for (let i = 0; i < 1e6; i++) n += i; return n > 0");
    let runs = join_all((0..6).map(|_| bench.run(&source, None))).await;
    let (done, refused): (Vec<_>, Vec<_>) = runs.into_iter().partition(Result::is_ok);
    assert_eq!((done.len(), refused.len()), (3, 3));
    for refused in refused {
        assert!(matches!(refused, Err(Refused::Busy { retry_after }) if retry_after > Duration::ZERO));
    }
    assert_eq!(bench.pool.idle_workers().len(), 1);
    assert!(bench.run(&source, None).await.is_ok());
}

#[tokio::test]
async fn one_caller_does_not_take_all_places() {
    let bench = Bench::with(options().per_caller(2));
    let source = module("return 1");
    let of = |caller: &str| {
        let mut request = bench.request(&source, None);
        request.caller = caller.to_owned();
        bench.pool.run(request)
    };
    let runs = join_all([of("a"), of("a"), of("a"), of("b")]).await;
    let refused: Vec<_> = runs.iter().map(|run| run.as_ref().err()).collect();
    assert_eq!(refused, [None, None, Some(&Refused::CallerBusy), None]);
    assert!(of("a").await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_caller_does_not_have_all_workers() {
    let limits =
        Limits::new().cpu(Duration::from_secs(30)).wall(Duration::from_secs(60)).host_calls(u32::MAX);
    let bench = Bench::with(options().workers(2).limits(limits));
    let (endless, short) = (module("while (!(await kv.exists('stop')));"), module("return 1"));
    let busy: Vec<_> = (0..4)
        .map(|_| {
            let (pool, mut request) = (bench.pool.clone(), bench.request(&endless, None));
            request.caller = "busy".to_owned();
            tokio::spawn(async move { pool.run(request).await })
        })
        .collect();
    tokio::task::yield_now().await;
    for _ in 0..5 {
        bench.run(&short, None).await.expect("it is begun").result.expect("a result");
    }
    bench.kv.put("stop", "", larder_core::PutOptions::new()).await.expect("a put");
    for run in busy {
        run.await.expect("no panic").expect("it is begun").result.expect("a result");
    }
}

#[tokio::test]
async fn who_waited_too_long_is_told_whose_runs_it_waited_for() {
    let limits =
        Limits::new().cpu(Duration::from_secs(30)).wall(Duration::from_secs(60)).host_calls(u32::MAX);
    let bench = Bench::with(options().workers(2).wait(Duration::from_millis(50)).limits(limits));
    let endless = module("while (!(await kv.exists('stop')));");
    let begin = |caller: &str| {
        let mut request = bench.request(&endless, None);
        request.caller = caller.to_owned();
        bench.pool.begin(request)
    };
    let is_busy = |refused: &Refused| matches!(refused, Refused::Busy { .. });
    let first = begin("a").await.expect("a worker");
    // The other worker is free, but not for this caller.
    assert_eq!(begin("a").await.expect_err("all of its workers work"), Refused::CallerBusy);
    let second = begin("b").await.expect("the other worker");
    // Nor has one whose turn it is a worker, and who waits behind it must not be told that it had.
    let (next, behind) = tokio::join!(begin("c"), begin("c"));
    assert!(is_busy(&next.expect_err("none is free")) && is_busy(&behind.expect_err("none is free")));
    bench.kv.put("stop", "", larder_core::PutOptions::new()).await.expect("a put");
    for run in [first, second] {
        run.end().await.expect("it was begun").result.expect("a result");
    }
    // Nothing of all that is counted any more.
    for caller in ["a", "b", "c"] {
        begin(caller).await.expect("a worker").end().await.expect("it was begun").result.expect("a result");
    }
}

#[tokio::test]
async fn where_there_is_one_worker_it_is_the_pool_that_is_full() {
    let limits =
        Limits::new().cpu(Duration::from_secs(30)).wall(Duration::from_secs(60)).host_calls(u32::MAX);
    let bench = Bench::with(options().workers(1).wait(Duration::from_millis(50)).limits(limits));
    let endless = module("while (!(await kv.exists('stop')));");
    let first = bench.pool.begin(bench.request(&endless, None)).await.expect("the worker");
    let refused = bench.pool.begin(bench.request(&endless, None)).await.expect_err("there is one worker");
    assert!(matches!(refused, Refused::Busy { .. }), "{refused:?}");
    bench.kv.put("stop", "", larder_core::PutOptions::new()).await.expect("a put");
    first.end().await.expect("it was begun").result.expect("a result");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_killed_fails_its_own_run_only() {
    let limits = Limits::new().cpu(Duration::from_secs(5)).wall(Duration::from_secs(20));
    let bench = Bench::with(options().limits(limits));
    bench.returns("return 1").await;
    let [id] = bench.pool.idle_workers()[..] else { panic!("one worker") };
    let (source, other) = (module("console.log('begun'); for (;;);"), module("return await kv.exists('k')"));
    let victim = tokio::spawn({
        let pool = bench.pool.clone();
        let mut request = bench.request(&source, None);
        request.caller = "victim".to_owned();
        async move { pool.run(request).await }
    });
    while !bench.pool.idle_workers().is_empty() {
        tokio::task::yield_now().await;
    }
    let others = join_all((0..8).map(|_| bench.run(&other, None))).await;
    assert!(Command::new("kill").args(["-KILL", &id.to_string()]).status().expect("kill runs").success());
    let report = victim.await.expect("no panic").expect("it was begun");
    assert!(matches!(report.result, Err(Failure::Crashed)), "{report:?}");
    for report in others {
        report.expect("it is begun").result.expect("a result");
    }
    assert_eq!(bench.returns("return 2").await, 2);
    assert!(!bench.pool.idle_workers().contains(&id));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_that_ends_a_service_is_the_parents_affair() {
    let limits = Limits::new().cpu(Duration::from_secs(30)).host_calls(u32::MAX);
    let bench = Bench::with(options().limits(limits.wall(Duration::from_secs(60))));
    bench.returns("return 1").await;
    let [id] = bench.pool.idle_workers()[..] else { panic!("one worker") };
    let source = module("await kv.put('begun', ''); while (!(await kv.exists('stop'))); return 'done'");
    let run = tokio::spawn({
        let (pool, request) = (bench.pool.clone(), bench.request(&source, None));
        async move { pool.run(request).await }
    });
    while !bench.kv.exists("begun").await.expect("an answer") {
        tokio::task::yield_now().await;
    }
    for signal in ["-INT", "-TERM", "-HUP"] {
        assert!(Command::new("kill").args([signal, &id.to_string()]).status().expect("kill runs").success());
    }
    bench.kv.put("stop", "", larder_core::PutOptions::new()).await.expect("a put");
    let report = run.await.expect("no panic").expect("it was begun");
    assert_eq!(report.result.expect("a result").get(), "\"done\"");
    assert_eq!(bench.pool.idle_workers(), [id]);
}

#[tokio::test]
async fn an_idle_worker_that_died_costs_no_run() {
    let bench = Bench::new();
    bench.returns("return 1").await;
    let [id] = bench.pool.idle_workers()[..] else { panic!("one worker") };
    assert!(Command::new("kill").args(["-KILL", &id.to_string()]).status().expect("kill runs").success());
    assert_eq!(bench.returns("return 2").await, 2);
}

#[tokio::test]
async fn a_run_whose_caller_has_left_goes_on_to_its_end() {
    let bench = Bench::new();
    bench.returns("return 1").await;
    let source = module("for (let i = 0; i < 50; i++) await kv.increment('n')");
    {
        let run = bench.run(&source, None);
        let left = tokio::time::timeout(Duration::from_millis(1), run).await;
        drop(left);
    }
    while bench.pool.idle_workers().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.kv.get("n").await.expect("a get").as_deref(), Some(&b"50"[..]));
}

/// A clock that can be broken, so that a defect in the middle of a call can be had.
#[derive(Debug, Default)]
struct Fragile(AtomicBool);

impl Clock for Fragile {
    fn now(&self) -> larder_core::Timestamp {
        assert!(!self.0.load(Ordering::Relaxed), "the clock is broken, as the test wants it");
        SystemClock.now()
    }
}

#[tokio::test]
async fn a_defect_in_the_middle_of_a_run_is_a_crash_and_not_nothing() {
    let clock = Arc::new(Fragile::default());
    let kv = Kv::builder(MemoryDriver::new()).clock(Arc::clone(&clock) as Arc<dyn Clock>).build();
    let bench = Bench { kv, ..Bench::new() };
    bench.returns("await kv.put('before', 'v'); return 1").await;
    clock.0.store(true, Ordering::Relaxed);
    let failure = bench.fails("await kv.put('k', 'v', { ttl: 1 })").await;
    assert!(matches!(failure, Failure::Crashed), "{failure:?}");
    clock.0.store(false, Ordering::Relaxed);
    // Its places are free again.
    for _ in 0..5 {
        assert_eq!(bench.returns("return await kv.getText('before')").await, "v");
    }
}

#[tokio::test]
async fn a_check_that_takes_too_long_is_not_the_sources_fault() {
    let limits = Limits::new().wall(Duration::from_millis(1)).cpu(Duration::from_secs(30));
    let bench = Bench::with(options().limits(limits));
    let source: String = (0..6_000).map(|number| format!("const f{number} = () => [{number}];\n")).collect();
    let checked = bench.pool.check(bench.request(&source, None)).await;
    assert_eq!(checked, Err(Refused::NotChecked));
}

#[tokio::test]
async fn a_program_that_is_no_worker_is_an_error_and_not_a_hang() {
    for program in ["/bin/true", "/bin/echo", "/nowhere"] {
        let mut options = options();
        options.program = larder_scripts::WorkerProgram::new(program);
        let bench = Bench::with(options);
        assert_eq!(bench.run("", None).await.expect_err(program), Refused::NoWorker);
    }
}
