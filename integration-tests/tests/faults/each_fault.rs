//! Every write in every state under each fault.

use std::time::{Duration, Instant};

use integration_tests::proxy::{Answer, Fault, Rule};
use larder_core::{ErrorKind, PutOptions, ScanOptions};

use crate::anywhere::faults;
use crate::bench::Bench;
use crate::cloud::{GET, GET_MANY, SCAN, TRACELESS, request, throttled};
use crate::op::{HOUR, Op, Said};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_outcome_is_untrue_under_any_fault() {
    let bench = Bench::new().await;
    let (mut cases, mut ambiguous) = (0, Vec::new());
    for (name, faults, is_certain) in faults() {
        for op in Op::ALL {
            for is_there in [true, false] {
                cases += 1;
                if one_case(&bench, name, &faults, op, is_there).await == Said::Ambiguous {
                    assert!(!is_certain, "{op:?} after {name}: it was told that nothing was done");
                    ambiguous.push(format!("{op:?} ({}) {name}", if is_there { "there" } else { "absent" }));
                }
            }
        }
    }
    println!("{cases} cases, {} ambiguous: {ambiguous:#?}", ambiguous.len());
    // All that leaves a trace is found out.
    for case in &ambiguous {
        assert!(TRACELESS.iter().any(|start| case.starts_with(start)), "{case} could have been found out");
    }
}

async fn one_case(bench: &Bench, name: &str, faults: &[Fault], op: Op, is_there: bool) -> Said {
    let key = format!("{op:?}-{is_there}-{}", name.replace([' ', ','], "-"));
    let stored = bench.truth.put(&key, "5", PutOptions::new().ttl(2 * HOUR)).await.expect("a put");
    let version = stored.version().expect("it is stored").clone();
    if !is_there {
        bench.truth.delete(&key).await.expect("a delete");
    }
    bench.pause();
    let before = is_there.then_some("5");
    bench.proxy.reset().await;
    let rule = faults.iter().cloned().fold(Rule::on(request(op, is_there)).first(1), Rule::with);
    bench.proxy.rules([rule]).await;
    let started = Instant::now();
    let said = op.run(&bench.kv, &key, version).await;
    let took = started.elapsed();
    let what = format!("{op:?} on {before:?}, {name}: {said:?}");
    assert!(took < Duration::from_secs(9), "{what} took {took:?}");
    // What is on its way lands before the truth is read.
    let log = bench.proxy.settled().await;
    let after = bench.truth.get_text(&key).await.expect("a read");
    let (applied, untouched) = (op.applied(before), before.map(str::to_owned));
    match said {
        Said::Applied => {
            assert!(op.holds(is_there), "{what}, but its condition does not hold");
            assert_eq!(after, applied, "{what}");
        }
        Said::Refused => {
            assert!(!op.holds(is_there), "{what}, but its condition holds");
            assert_eq!(after, untouched, "{what}");
        }
        Said::Failed(kind) => {
            assert_eq!(after, untouched, "{what}, and it was applied");
            assert_eq!(kind, ErrorKind::Throttled, "{what}: the fault passes, so that it is sent again");
        }
        Said::Ambiguous => {
            assert!(after == applied || after == untouched, "{what}: {after:?}");
            let unanswered = log.iter().any(|exchange| {
                exchange.operation == request(op, is_there)
                    && (!exchange.answered() || !exchange.faults.is_empty())
            });
            assert!(unanswered, "{what}, but every request was answered");
        }
    }
    said
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_go_through_every_fault_that_passes() {
    let bench = Bench::new().await;
    bench.truth.put("a", "1", PutOptions::new()).await.expect("a put");
    for (name, faults, _) in faults() {
        for (read, operation) in [("get", GET), ("scan", SCAN), ("get_many", GET_MANY)] {
            bench.proxy.reset().await;
            let rule = faults.iter().cloned().fold(Rule::on(operation).first(1), Rule::with);
            bench.proxy.rules([rule]).await;
            let what = format!("{read}, {name}");
            match read {
                "get" => {
                    assert_eq!(bench.kv.get_text("a").await.expect(&what).as_deref(), Some("1"), "{what}");
                }
                "scan" => {
                    let page = bench.kv.scan_page("a", ScanOptions::new()).await.expect(&what);
                    assert_eq!(page.items.len(), 1, "{what}");
                }
                _ => {
                    let found = bench.kv.get_many(["a", "b"]).await.expect(&what);
                    assert!(matches!(&found[..], [Ok(Some(_)), Ok(None)]), "{what}: {found:?}");
                }
            }
            bench.proxy.settled().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_that_stays_is_an_error_of_its_kind_within_the_deadline() {
    let bench = Bench::new().await;
    let stored = bench.truth.put("a", "5", PutOptions::new()).await.expect("a put");
    let version = stored.version().expect("it is stored").clone();
    let kv = bench.place.handle_within(bench.proxy.url(), Duration::from_secs(2)).await;
    kv.exists("warm").await.expect("it works");
    let broken = [ErrorKind::Unavailable, ErrorKind::Timeout];
    for (name, fault, kinds) in [
        ("dropped", Fault::DropRequest, &broken[..]),
        ("withheld", Fault::WithholdReply, &[ErrorKind::Timeout]),
        ("503", Fault::Answer(Answer::status(503)), &[ErrorKind::Unavailable]),
        ("throttled", Fault::Answer(throttled()), &[ErrorKind::Throttled]),
    ] {
        bench.proxy.reset().await;
        bench.proxy.rules([Rule::any().with(fault)]).await;
        let started = Instant::now();
        let error = kv.get("a").await.expect_err(name);
        assert!(kinds.contains(&error.kind()), "{name}: {error}");
        assert!(started.elapsed() < Duration::from_secs(3), "{name}: {:?}", started.elapsed());
        let said = Op::Swap.run(&kv, "a", version.clone()).await;
        let expected = if name == "throttled" { Said::Failed(ErrorKind::Throttled) } else { Said::Ambiguous };
        assert_eq!(said, expected, "{name}");
        assert!(started.elapsed() < Duration::from_secs(6), "{name}: {:?}", started.elapsed());
    }
}
