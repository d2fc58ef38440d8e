//! Scripts that mean harm.

use std::time::{Duration, Instant};

use larder_scripts::Failure;
use serde_json::json;

use crate::hostile_scripts::{GOOD, HOSTILE};
use crate::support::{Bench, module};

#[test]
fn there_are_more_than_twenty() {
    assert!(HOSTILE.len() > 20);
}

#[tokio::test]
async fn each_ends_within_its_limits_and_the_next_run_is_a_good_one() {
    let bench = Bench::new();
    for (name, body) in HOSTILE {
        let began = Instant::now();
        let report = bench.run(&module(body), None).await.expect(name);
        let took = began.elapsed();
        assert!(took < Duration::from_secs(15), "{name}: {took:?}");
        match (*name, &report.result) {
            // They return what they had to say, and do no harm by it.
            ("prototype pollution" | "finalizers" | "sort that lies", _) => {}
            (_, Ok(_)) => panic!("{name} returned"),
            (_, Err(Failure::Crashed)) => panic!("{name} crashed its worker"),
            (_, Err(_)) => {}
        }
        assert_eq!(bench.returns_of(GOOD, Some(json!(1))).await, 4950, "after {name}");
    }
}

#[tokio::test]
async fn what_ended_a_run_cannot_be_forged() {
    let bench = Bench::new();
    for body in [
        "throw Object.assign(new Error('interrupted'), { name: 'InternalError' })",
        "throw Object.assign(new Error('out of memory'), { name: 'InternalError' })",
        "throw null",
        "throw Object.assign(new Error('x'), { name: 'KvError', code: 'AMBIGUOUS' })",
    ] {
        assert!(matches!(bench.fails(body).await, Failure::Threw(_)), "{body}");
    }
    for body in [
        "for (;;);",
        "try { for (;;); } catch { return 'caught' }",
        "try { for (;;); } finally { return 'caught' }",
    ] {
        assert!(matches!(bench.fails(body).await, Failure::CpuLimit), "{body}");
    }
}
