//! What is tried again, how often, and how long.

use std::sync::Arc;
use std::time::{Duration, Instant};

use larder_core::driver::DriverError;
use larder_core::{Error, ErrorKind, Kv, PutOptions, RetryPolicy, ScanOptions, TouchOptions};

use crate::context::{Context, eager};
use crate::support::{ms, open_patiently, secs, set, text};
use crate::wrap::{Hook, Method, Scripted, Step, Verdict};

cases! {
    "retries";
    the_defaults_are_those_of_the_contract: E4;
    passing_troubles_are_tried_again: E4;
    lasting_troubles_are_not_tried_again: E4 G3;
    a_read_that_went_unanswered_is_sent_again: E4 G3;
    the_deadline_ends_an_operation: E4;
    an_attempt_has_its_own_limit: E4;
    the_platform_s_wish_to_wait_is_honoured: E4 E1;
    a_spent_budget_stops_retries: E4;
    a_budget_is_earned_back: E4;
    every_page_has_its_own_deadline: E4;
}

/// A handle by a script, with these limits.
async fn scripted(context: &Context, policy: RetryPolicy) -> (Kv, Arc<Scripted>) {
    let truth = context.kv().await;
    set(&truth, "key", "1").await;
    set(&truth, "counter", "1").await;
    let scripted = Scripted::new();
    let kv = context.builder(scripted.over(context.driver().await)).retry(policy).build();
    open_patiently(&kv).await;
    scripted.reset();
    (kv, scripted)
}

fn refused(kind: ErrorKind) -> DriverError {
    DriverError::refused(kind, "refused on purpose")
}

fn fails(kind: ErrorKind) -> Verdict {
    Verdict::Fail(refused(kind))
}

async fn the_defaults_are_those_of_the_contract(_: Context) {
    let policy = RetryPolicy::default();
    assert_eq!(
        (policy.deadline, policy.attempt_timeout, policy.connect_timeout),
        (secs(10), secs(2), secs(1))
    );
    assert_eq!((policy.backoff_min, policy.backoff_max), (ms(25), secs(1)));
    assert!(policy.budget > 0, "a binding has retries in reserve");
    for kind in [ErrorKind::Throttled, ErrorKind::Unavailable, ErrorKind::Timeout] {
        assert!(kind.is_retryable() && Error::new(kind, "").is_retryable());
    }
    for kind in [
        ErrorKind::InvalidInput,
        ErrorKind::NotConfigured,
        ErrorKind::NotProvisioned,
        ErrorKind::Unauthorized,
        ErrorKind::Ambiguous,
        ErrorKind::Corrupt,
        ErrorKind::Unsupported,
        ErrorKind::Internal,
    ] {
        assert!(!kind.is_retryable(), "{kind}");
    }
}

async fn passing_troubles_are_tried_again(context: Context) {
    let (kv, script) = scripted(&context, eager()).await;
    let troubles = || {
        [ErrorKind::Throttled, ErrorKind::Unavailable, ErrorKind::Throttled]
            .map(|kind| Step::fail(refused(kind)))
    };
    for method in Method::ALL {
        script.then(method, troubles());
    }
    assert_eq!(text(&kv, "key").await.as_deref(), Some("1"));
    assert_eq!(script.calls(Method::Get), 4);
    set(&kv, "key", "2").await;
    assert_eq!(script.calls(Method::Write), 4);
    script.then(Method::Write, troubles());
    assert!(kv.put("new", "1", PutOptions::new().if_not_exists()).await.expect("the put works").is_stored());
    script.then(Method::Write, troubles());
    assert!(
        kv.touch("key", TouchOptions::expire_after(secs(9))).await.expect("the touch works").is_touched()
    );
    script.then(Method::Write, troubles());
    kv.delete("new").await.expect("the delete works");
    assert_eq!(kv.increment("counter", 1, None).await.expect("it adds"), 2);
    let page = kv.scan_page("", ScanOptions::new()).await.expect("a page").into_entries().expect("entries");
    assert_eq!(page.iter().map(larder_core::Entry::key).collect::<Vec<_>>(), ["counter", "key"]);
    assert!(kv.get_many(["key", "counter"]).await.expect("the batch works").iter().all(Result::is_ok));
    assert!(
        kv.put_many([("a", ""), ("b", "")], None).await.expect("the batch works").iter().all(Result::is_ok)
    );
    kv.check().await.expect("the check works");
    kv.sweep().await.expect("the sweep works");
    let truth = context.kv().await;
    assert_eq!(text(&truth, "key").await.as_deref(), Some("2"));
    assert_eq!(text(&truth, "counter").await.as_deref(), Some("2"));
}

async fn lasting_troubles_are_not_tried_again(context: Context) {
    let (kv, script) = scripted(&context, eager()).await;
    for kind in [
        ErrorKind::InvalidInput,
        ErrorKind::NotProvisioned,
        ErrorKind::Unauthorized,
        ErrorKind::NotConfigured,
        ErrorKind::Unsupported,
        ErrorKind::Internal,
    ] {
        script.reset();
        script.outage(&refused(kind));
        for (method, error) in [
            (Method::Get, kv.get("key").await.map(drop).expect_err("get")),
            (Method::Write, kv.put("key", "", PutOptions::new()).await.map(drop).expect_err("put")),
            (Method::Increment, kv.increment("counter", 1, None).await.map(drop).expect_err("increment")),
            (
                Method::GetBatch,
                kv.get_many(["a"]).await.expect("answers").remove(0).map(drop).expect_err("many"),
            ),
            (Method::WriteBatch, kv.delete_many(["a"]).await.expect("answers").remove(0).expect_err("many")),
            (Method::Check, kv.check().await.map(drop).expect_err("check")),
        ] {
            assert_eq!(error.kind(), kind);
            assert_eq!(script.calls(method), 1, "{kind} of {method:?} was tried again");
        }
        let error = kv.scan_page("", ScanOptions::new()).await.expect_err("scan");
        assert_eq!(error.kind(), kind);
        let shards = usize::from(context.driver().await.info().default_shards);
        assert!(script.calls(Method::Scan) <= shards, "{kind} of a scan was tried again");
    }
}

async fn a_read_that_went_unanswered_is_sent_again(context: Context) {
    let (kv, script) = scripted(&context, eager()).await;
    let lost = || Step::fail(DriverError::unknown(ErrorKind::Timeout, "no answer"));
    script.then(Method::Get, [lost(), Step::lose_reply()]);
    assert_eq!(text(&kv, "key").await.as_deref(), Some("1"));
    assert_eq!(script.calls(Method::Get), 3);
    script.then(Method::Scan, [lost(), Step::lose_reply()]);
    assert_eq!(crate::support::keys(&kv, "").await, ["counter", "key"]);
    script.then(Method::GetBatch, [lost(), Step::lose_reply()]);
    assert!(matches!(kv.get_many(["key"]).await.expect("the batch works")[..], [Ok(Some(_))]));
}

async fn the_deadline_ends_an_operation(context: Context) {
    let mut policy = eager();
    policy.deadline = ms(60);
    let (kv, script) = scripted(&context, policy).await;
    for kind in [ErrorKind::Throttled, ErrorKind::Unavailable] {
        script.reset();
        script.outage(&refused(kind));
        let started = Instant::now();
        for error in [
            kv.get("key").await.map(drop).expect_err("get"),
            kv.put("key", "2", PutOptions::new()).await.map(drop).expect_err("put"),
            kv.increment("counter", 1, None).await.map(drop).expect_err("increment"),
            kv.scan_page("", ScanOptions::new()).await.map(drop).expect_err("scan"),
        ] {
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.is_retryable());
        }
        assert!(started.elapsed() < secs(10), "four operations took {:?}", started.elapsed());
        assert!(script.calls(Method::Get) > 1 && script.calls(Method::Write) > 1, "it gave up too early");
    }
}

async fn an_attempt_has_its_own_limit(context: Context) {
    let mut policy = eager();
    policy.attempt_timeout = ms(20);
    policy.deadline = secs(10);
    let (kv, script) = scripted(&context, policy).await;
    let started = Instant::now();
    // An attempt that hangs is given up, and the next one answers.
    script.always(Method::Get, Verdict::Hang);
    script.then(Method::Get, [Step::fail(refused(ErrorKind::Throttled))]);
    let read = kv.get("key");
    let unhang = async {
        while script.calls(Method::Get) < 3 {
            tokio::task::yield_now().await;
        }
        script.always(Method::Get, Verdict::Pass);
    };
    let (read, ()) = futures_util::future::join(read, unhang).await;
    assert_eq!(read.expect("the read works").as_deref(), Some(&b"1"[..]));
    assert!(started.elapsed() < secs(5), "it took {:?}", started.elapsed());
}

async fn the_platform_s_wish_to_wait_is_honoured(context: Context) {
    let mut policy = eager();
    policy.deadline = secs(5);
    let (kv, script) = scripted(&context, policy).await;
    let wait = |wait: Duration| {
        let mut error = refused(ErrorKind::Throttled);
        error.retry_after = Some(wait);
        error
    };
    for method in [Method::Get, Method::Write, Method::Increment] {
        script.then(method, [Step::fail(wait(ms(60)))]);
        let started = Instant::now();
        match method {
            Method::Get => drop(kv.get("key").await.expect("the read works")),
            Method::Write => drop(set(&kv, "key", "1").await),
            _ => drop(kv.increment("counter", 1, None).await.expect("it adds")),
        }
        assert!(started.elapsed() >= ms(60), "{method:?} was sent again after {:?}", started.elapsed());
    }
    // Longer than there is time for: the caller learns how long.
    script.reset();
    script.then(Method::Get, [Step::fail(wait(secs(60)))]);
    let started = Instant::now();
    let error = kv.get("key").await.expect_err("no time for that");
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::Throttled, Some(secs(60))));
    assert!(started.elapsed() < secs(4), "it waited for nothing: {:?}", started.elapsed());
    assert_eq!(script.calls(Method::Get), 1);
}

async fn a_spent_budget_stops_retries(context: Context) {
    let mut policy = eager();
    policy.budget = 3;
    let (kv, script) = scripted(&context, policy).await;
    script.always(Method::Get, fails(ErrorKind::Unavailable));
    let clones = [kv.clone(), kv.with_prefix("tenant").expect("a namespace"), kv.clone()];
    for (kv, calls) in clones.iter().zip([4, 5, 6]) {
        let error = kv.get("key").await.expect_err("an outage");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert_eq!(script.calls(Method::Get), calls, "an outage was multiplied");
    }
    // None at all.
    let mut policy = eager();
    policy.budget = 0;
    let scripted = Scripted::new();
    let kv = context.builder(scripted.over(context.driver().await)).retry(policy).build();
    scripted.always(Method::Get, fails(ErrorKind::Throttled));
    kv.get("key").await.expect_err("an outage");
    assert_eq!(scripted.calls(Method::Get), 1);
}

async fn a_budget_is_earned_back(context: Context) {
    let mut policy = eager();
    policy.budget = 1;
    let (kv, script) = scripted(&context, policy).await;
    let fail = || script.then(Method::Get, [Step::fail(refused(ErrorKind::Unavailable))]);
    for _ in 0..3 {
        fail();
        kv.get("key").await.expect("the one retry");
        fail();
        let error = kv.get("key").await.expect_err("the budget is spent");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        for _ in 0..10 {
            kv.get("key").await.expect("the read works");
        }
    }
}

async fn every_page_has_its_own_deadline(context: Context) {
    let mut policy = eager();
    policy.deadline = ms(300);
    let (kv, script) = scripted(&context, policy).await;
    let keys: Vec<String> = (0..20).map(|at| format!("k{at:02}")).collect();
    crate::support::set_many(&context.kv().await, &keys).await;
    let started = Instant::now();
    let mut slow = refused(ErrorKind::Throttled);
    slow.retry_after = Some(ms(70));
    let mut cursor = None;
    for key in &keys[..5] {
        script.then(Method::Scan, [Step::fail(slow.clone())]);
        let options = ScanOptions::new().limit(1).cursor(cursor);
        let page = kv.scan_keys_page("k", options).await.expect("each page has the whole time");
        cursor = page.cursor.clone();
        assert_eq!(page.into_entries().expect("entries")[0].key(), key);
    }
    assert!(started.elapsed() > ms(300), "the case itself is wrong");
}
