//! What a run may use.

use std::time::{Duration, Instant};

use larder_scripts::{Failure, Limits, Refused};
use serde_json::json;

use crate::support::{Bench, module, options};

#[tokio::test]
async fn processor_time_ends_a_run_and_waiting_takes_none() {
    let bench = Bench::new();
    assert!(matches!(bench.fails("for (;;);").await, Failure::CpuLimit));
    assert!(matches!(bench.fails("for (;;) await null").await, Failure::CpuLimit));
    let body = "for (let i = 0; i < 900; i++) await kv.exists('k'); return 'done'";
    assert_eq!(bench.returns(body).await, "done");
}

#[tokio::test]
async fn a_loop_that_the_engine_does_not_look_into_is_ended_by_the_parent() {
    let bench = Bench::new();
    let began = Instant::now();
    assert!(matches!(bench.fails("return (7n ** 370000n).toString().length").await, Failure::CpuLimit));
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    assert_eq!(bench.returns("return 1").await, 1);
}

#[tokio::test]
async fn memory_ends_a_run_and_the_worker_goes_on() {
    let bench = Bench::new();
    let limits = Limits::new().cpu(Duration::from_secs(10)).wall(Duration::from_secs(30));
    let patient = Bench::with(options().limits(limits));
    for body in [
        "const all = []; for (;;) all.push(new Array(1e4).fill(1))",
        "let text = 'x'; for (;;) text += text + text",
        "return new Uint8Array(64 * 1024 * 1024).length",
        "return new ArrayBuffer(2 ** 31).byteLength",
        "return 'x'.repeat(2 ** 29).length",
        "globalThis.a = {}; for (let i = 0; i < 1e6; i++) a['k' + i] = i; return 1",
    ] {
        let failure = patient.fails(body).await;
        let is_memory = match &failure {
            Failure::MemoryLimit => true,
            // The language has limits of its own for texts and buffers.
            Failure::Threw(thrown) => ["RangeError", "InternalError"].contains(&thrown.name.as_str()),
            _ => false,
        };
        assert!(is_memory, "{body}: {}", crate::support::shown(&failure));
        assert_eq!(patient.pool.idle_workers().len(), 1, "{body}");
    }
    assert_eq!(bench.returns("return new Uint8Array(1024 * 1024).length").await, 1024 * 1024);
}

#[tokio::test]
async fn what_is_well_below_the_limit_fits_however_it_is_taken() {
    let limits = Limits::new().cpu(Duration::from_secs(60)).wall(Duration::from_secs(60));
    let bench = Bench::with(options().limits(limits));
    for body in [
        "return new Uint8Array(30e6).length",
        "return 'x'.repeat(30e6).length",
        // Texts that grow, with others that are kept in between, or in turn.
        "let text = '', kept = []; for (let i = 0; text.length < 12e6; i++)
           { text += 'x'.repeat(1000); if (i % 10 === 0) kept.push('y'.repeat(600) + i) } return text.length",
        "let a = '', b = ''; while (a.length < 7e6) { a += 'x'.repeat(1000); b += 'y'.repeat(1000) } return b.length",
        // Phases of ever larger values, each of which is dropped before the next.
        "let all; for (let round = 0, size = 1000; round < 10; round++, size *= 1.25)
           { all = null; all = []; while (all.length * size < 20e6) all.push('x'.repeat(size) + all.length) } return 1",
        "let last; for (let size = 1e5; size < 12e6; size *= 1.15) last = new Uint8Array(size); return last.length",
        "const buffer = new ArrayBuffer(1000, { maxByteLength: 28e6 });
           for (let size = 1000; size < 25e6; size *= 1.1) buffer.resize(size); return 1",
    ] {
        bench.returns(body).await;
    }
}

#[tokio::test]
async fn time_ends_a_run_that_waits() {
    let limits = Limits::new().wall(Duration::from_millis(300)).cpu(Duration::from_secs(5));
    let bench = Bench::with(options().limits(limits));
    assert!(matches!(bench.fails("for (;;);").await, Failure::TimeLimit));
    assert_eq!(bench.pool.idle_workers().len(), 0, "its worker is gone");
}

#[tokio::test]
async fn calls_are_counted() {
    let limits = Limits::new().host_calls(10).wall(Duration::from_secs(20));
    let bench = Bench::with(options().limits(limits));
    let body = "for (let i = 0; i < 10; i++) await kv.put(`k${i}`, 'v');
        try { await kv.get('k1') } catch (error) { return error.code }";
    assert_eq!(bench.returns(body).await, "CALL_LIMIT");
    let body = "const all = await Promise.allSettled(Array.from({ length: 500 }, () => kv.exists('k1')));
        return all.filter(({ status }) => status === 'fulfilled').length";
    assert_eq!(bench.returns(body).await, 10);
}

#[tokio::test]
async fn inputs_outputs_and_sources_have_sizes() {
    let bench = Bench::new();
    let most = bench.pool.limits().input_bytes;
    let fits = json!("x".repeat(most - 2));
    assert_eq!(bench.returns_of("return input.length", Some(fits)).await, most - 2);
    let refused =
        bench.run(&module("return 1"), Some(json!("x".repeat(most - 1)))).await.expect_err("too much");
    assert_eq!(refused, Refused::InputTooLarge { bytes: most + 1, limit: most });
    let most = bench.pool.limits().output_bytes;
    let body = format!("return 'x'.repeat({})", most - 2);
    assert_eq!(bench.returns(&body).await.as_str().map(str::len), Some(most - 2));
    let body = format!("return 'x'.repeat({})", most - 1);
    assert!(matches!(bench.fails(&body).await, Failure::OutputTooLarge(bytes) if bytes == most + 1));
    let long = format!("{}// {}", module("return 1"), "x".repeat(larder_scripts::MAX_SOURCE_BYTES));
    assert_eq!(bench.run(&long, None).await.expect_err("too long"), Refused::SourceTooLarge);
}

#[tokio::test]
async fn a_deep_recursion_is_an_exception() {
    let bench = Bench::new();
    let thrown = bench.throws("const f = () => f() + 1; return f()").await;
    assert!(thrown.message.contains("stack"), "{}", thrown.message);
    let body = "let depth = 0; const f = () => { depth++; f() }; try { f() } catch { return depth > 10 }";
    assert_eq!(bench.returns(body).await, true);
}
