//! Requests that arrive late, after their writer has gone on and others have written.

use bytes::Bytes;
use larder_core::{ErrorKind, PutOptions};

use crate::context::Context;
use crate::support::{set, set_for, text};
use crate::wrap::Loss;

use super::lossy_bench::{Bench, NEW_TTL, OLD_TTL, Op, PAUSE, STARTS, Said, Start, State};

cases! {
    "late_writes";
    a_late_duplicate_lands_whole_or_not_at_all: P4 T1;
    a_late_write_brings_no_version_back: P2 P4;
    a_conditional_write_cannot_recur: P4 P2 P3;
    a_late_increment_is_counted_once: P4 C2;
    a_refused_increment_is_never_applied_later: P4 C2;
}

async fn a_late_duplicate_lands_whole_or_not_at_all(context: Context) {
    let bench = Bench::new(context).await;
    for loss in [Loss::Late(usize::MAX), Loss::Twice(usize::MAX)] {
        for op in [Op::Put, Op::PutIfAbsent, Op::PutMany, Op::Delete, Op::DeleteMany, Op::Touch] {
            for (newer, stays) in [(Some("newer"), true), (Some("newer"), false), (None, false)] {
                let key = format!("{loss:?}/{op:?}/{newer:?}/{stays}");
                let version = bench.prepare(&key, Start::Live).await;
                if op == Op::PutIfAbsent {
                    bench.truth.delete(&key).await.expect("the delete works");
                    bench.context.advance(PAUSE);
                }
                bench.run(op, &key, version, loss).await;
                // Somebody else goes on.
                bench.context.advance(PAUSE);
                match newer {
                    Some(value) if stays => drop(set(&bench.truth, &key, value).await),
                    Some(value) => drop(set_for(&bench.truth, &key, value, OLD_TTL).await),
                    None => bench.truth.delete(&key).await.expect("the delete works"),
                }
                let before = bench.state(&key).await;
                let sent = bench.lossy.deliver(&*bench.context.driver().await).await;
                assert_eq!(sent, 1, "{key}: nothing was delayed");
                // Its expiry is the original one.
                let original = NEW_TTL - PAUSE;
                let landed = match op {
                    Op::Touch => before.clone().map(|(value, _)| (value, Some(original))),
                    Op::Delete | Op::DeleteMany => None,
                    _ => Some((Bytes::from_static(b"8"), Some(original))),
                };
                let now = bench.state(&key).await;
                assert!(now == before || now == landed, "{key}: {before:?} became {now:?}, not {landed:?}");
                if op == Op::PutIfAbsent && newer.is_some() {
                    assert_eq!(now, before, "{key}: a late IfAbsent replaced what is there");
                }
            }
        }
    }
}

async fn a_late_write_brings_no_version_back(context: Context) {
    let bench = Bench::new(context).await;
    for op in [Op::Put, Op::PutIfAbsent, Op::PutMany, Op::Touch] {
        let key = format!("{op:?}");
        let start = if op == Op::PutIfAbsent { Start::Absent } else { Start::Live };
        let version = bench.prepare(&key, start).await;
        let said = bench.run(op, &key, version, Loss::Late(usize::MAX)).await;
        let Said::Applied(Some(version)) = said else { panic!("{key}: it was sent again: {said:?}") };
        // The version is used, and the key made again. Then the first attempt arrives after all.
        let next = PutOptions::new().if_version(version.clone());
        assert!(bench.truth.put(&key, "next", next.clone()).await.expect("the put works").is_stored());
        if op == Op::PutIfAbsent {
            bench.truth.delete(&key).await.expect("the delete works");
        }
        bench.lossy.deliver(&*bench.context.driver().await).await;
        let again = bench.truth.put(&key, "again", next).await.expect("the put works");
        assert!(!again.is_stored(), "{key}: a version held a second time");
    }
}

async fn a_conditional_write_cannot_recur(context: Context) {
    let bench = Bench::new(context).await;
    for loss in [Loss::Late(usize::MAX), Loss::Twice(usize::MAX), Loss::Late(2), Loss::Twice(2)] {
        for op in [Op::PutIfVersion, Op::TouchIfVersion, Op::DeleteIfVersion] {
            for start in STARTS {
                for newer in [Some("newer"), None] {
                    let key = format!("{loss:?}/{op:?}/{start:?}/{newer:?}");
                    let version = bench.prepare(&key, start).await;
                    let said = bench.run(op, &key, version, loss).await;
                    match newer {
                        Some(value) => drop(set(&bench.truth, &key, value).await),
                        None => bench.truth.delete(&key).await.expect("the delete works"),
                    }
                    let before = bench.state(&key).await;
                    bench.lossy.deliver(&*bench.context.driver().await).await;
                    assert_eq!(bench.state(&key).await, before, "{key}: it recurred after {said:?}");
                }
            }
        }
    }
}

async fn a_late_increment_is_counted_once(context: Context) {
    let bench = Bench::new(context).await;
    for loss in [Loss::Late(usize::MAX), Loss::Twice(usize::MAX), Loss::Late(2), Loss::Twice(3)] {
        for start in STARTS {
            let key = format!("{loss:?}/{start:?}");
            let version = bench.prepare(&key, start).await;
            let said = bench.run(Op::Increment, &key, version, loss).await;
            let sum = |state: &State| {
                let text =
                    state.as_ref().map_or("0", |(value, _)| std::str::from_utf8(value).expect("a number"));
                text.parse::<i64>().expect("a number")
            };
            let at_once = sum(&bench.state(&key).await);
            for _ in 0..3 {
                bench.truth.increment(&key, 100, OLD_TTL).await.expect("it adds");
            }
            bench.lossy.deliver(&*bench.context.driver().await).await;
            let late = sum(&bench.state(&key).await) - 300 - at_once;
            match said {
                Said::Applied(_) => assert_eq!(late, 0, "{key}: it was counted again"),
                // Once at most, now or then.
                _ => assert!(
                    [0, 3].contains(&late) && at_once + late <= 8,
                    "{key}: {at_once} and {late} later"
                ),
            }
        }
    }
}

async fn a_refused_increment_is_never_applied_later(context: Context) {
    let bench = Bench::new(context).await;
    for (value, delta) in [("text", 1), ("9223372036854775807", 1), ("-9223372036854775808", -1)] {
        let key = format!("{value}{delta}");
        set(&bench.truth, &key, value).await;
        bench.context.advance(PAUSE);
        bench.lossy.then([Some(Loss::Late(usize::MAX))]);
        let error = bench.kv.increment(&key, delta, None).await.expect_err("it cannot be added");
        assert_eq!(
            text(&bench.truth, &key).await.expect("it is there"),
            value,
            "a refused addition changed something"
        );
        // Somebody makes it a counter that could be added to; then the delayed request arrives.
        set(&bench.truth, &key, "10").await;
        bench.lossy.deliver(&*bench.context.driver().await).await;
        let now = text(&bench.truth, &key).await.expect("it is there");
        let may_land = error.kind() == ErrorKind::Ambiguous;
        assert!(now == "10" || may_land, "{error}: and yet it was applied, and made {now}");
    }
}
