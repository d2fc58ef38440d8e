//! Lost replies followed by more trouble, or by somebody else's write: what proves something, and what does not.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use larder_core::driver::{Driver, DriverError};
use larder_core::{Error, ErrorKind, Kv, PutOptions, PutOutcome, TouchOptions, TouchOutcome};

use crate::context::{Context, eager};
use crate::support::{ms, open_patiently, secs, set, set_for, text};
use crate::wrap::{Call, Hook, Method, Scripted, Step, Verdict};

cases! {
    "evidence";
    trouble_after_a_lost_reply_is_ambiguous: P4 E4;
    the_deadline_after_a_lost_reply_is_ambiguous: P4 E4;
    trouble_before_anything_was_sent_is_not_ambiguous: P4 E4;
    a_newer_record_proves_nothing: P4 C2;
    what_was_written_just_before_proves_nothing: P4 C2 T4;
    an_expired_version_is_not_sent_again: P4 T2;
    a_touch_after_a_pause_revives_nothing: T2 T5;
}

/// A handle by a script that soon gives up: its retries are few.
async fn impatient(context: &Context, script: &Arc<Scripted>) -> Kv {
    let mut policy = eager();
    policy.budget = 3;
    context.builder(script.over(context.driver().await)).retry(policy).build()
}

fn unanswered() -> DriverError {
    DriverError::unknown(ErrorKind::Unavailable, "no answer, on purpose")
}

fn refused(kind: ErrorKind) -> DriverError {
    DriverError::refused(kind, "refused on purpose")
}

async fn trouble_after_a_lost_reply_is_ambiguous(context: Context) {
    let (truth, script) = (context.kv().await, Scripted::new());
    for kind in [
        ErrorKind::Unavailable,
        ErrorKind::Throttled,
        ErrorKind::Unauthorized,
        ErrorKind::NotProvisioned,
        ErrorKind::Corrupt,
        ErrorKind::Internal,
    ] {
        for step in [Step::lose_reply, || Step::fail(unanswered())] {
            for write in 0..5 {
                script.reset();
                let kv = impatient(&context, &script).await;
                let version = set(&truth, "key", "1").await;
                for method in [Method::Write, Method::Increment] {
                    script.then(method, [step()]);
                    // Neither a look nor another attempt helps.
                    script.always(method, Verdict::Fail(refused(kind)));
                }
                script.always(Method::Get, Verdict::Fail(refused(kind)));
                let error = match write {
                    0 => kv.put("key", "2", PutOptions::new()).await.map(drop),
                    1 => kv.put("key", "2", PutOptions::new().if_version(version)).await.map(drop),
                    2 => kv.touch("key", TouchOptions::persist().if_version(version)).await.map(drop),
                    3 => kv.delete_if_version("key", version).await.map(drop),
                    _ => kv.increment("key", 1, None).await.map(drop),
                };
                let error = error.expect_err("nobody knows");
                assert_eq!(error.kind(), ErrorKind::Ambiguous, "write {write} and {kind}: {error}");
                assert!(!error.is_retryable());
            }
        }
    }
}

async fn the_deadline_after_a_lost_reply_is_ambiguous(context: Context) {
    set(&context.kv().await, "counter", "1").await;
    let script = Scripted::new();
    let mut policy = eager();
    (policy.attempt_timeout, policy.deadline) = (ms(60), ms(150));
    let kv = context.builder(script.over(context.driver().await)).retry(policy).build();
    open_patiently(&kv).await;
    for method in [Method::Write, Method::Increment, Method::WriteBatch] {
        script.always(method, Verdict::Hang);
    }
    let mut errors = vec![
        kv.put("key", "1", PutOptions::new()).await.expect_err("no answer"),
        kv.put("key", "1", PutOptions::new().if_not_exists()).await.expect_err("no answer"),
        kv.increment("counter", 1, None).await.expect_err("no answer"),
    ];
    let many = kv.put_many([("a", "1"), ("b", "1")], None).await.expect("the batch works");
    errors.extend(many.into_iter().map(|result| result.expect_err("no answer")));
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Ambiguous, "{error}");
    }
    // A read that goes unanswered is in no doubt.
    script.always(Method::Get, Verdict::Hang);
    let error = kv.get("key").await.expect_err("no answer");
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert!(error.is_retryable());
}

async fn trouble_before_anything_was_sent_is_not_ambiguous(context: Context) {
    let (truth, script) = (context.kv().await, Scripted::new());
    set(&truth, "warm", "").await;
    for kind in
        [ErrorKind::Unavailable, ErrorKind::Throttled, ErrorKind::Unauthorized, ErrorKind::NotProvisioned]
    {
        let kv = impatient(&context, &script).await;
        script.outage(&refused(kind));
        let mut errors = vec![
            kv.put("key", "1", PutOptions::new()).await.expect_err("refused"),
            kv.delete("key").await.expect_err("refused"),
            kv.touch("key", TouchOptions::persist()).await.expect_err("refused"),
            kv.increment("key", 1, None).await.expect_err("refused"),
        ];
        let many = kv.put_many([("a", "1"), ("b", "1")], None).await.expect("the batch works");
        errors.extend(many.into_iter().map(|result| result.expect_err("refused")));
        for error in errors {
            assert_eq!(error.kind(), kind, "{error}");
        }
        script.reset();
        assert_eq!(crate::support::keys(&truth, "").await, ["warm"], "a refused write was applied");
    }
}

/// Loses the reply to a write, and lets somebody else write the key before the handle looks.
#[derive(Debug)]
struct Overtaken {
    other: Kv,
    verdict: Mutex<Option<Verdict>>,
    looks: AtomicBool,
}

impl Overtaken {
    fn arm(&self, verdict: Verdict) {
        *self.verdict.lock().expect("no panic") = Some(verdict);
    }
}

#[async_trait]
impl Hook for Overtaken {
    async fn before(&self, call: Call<'_>, _: &dyn Driver) -> Verdict {
        match call {
            Call::Write(..) | Call::Increment(..) if !call.is_system() => {
                let verdict = self.verdict.lock().expect("no panic").take();
                self.looks.store(verdict.is_some(), Ordering::SeqCst);
                verdict.unwrap_or(Verdict::Pass)
            }
            Call::Get(..) if self.looks.swap(false, Ordering::SeqCst) => {
                set(&self.other, "key", "77").await;
                Verdict::Pass
            }
            _ => Verdict::Pass,
        }
    }
}

async fn a_newer_record_proves_nothing(context: Context) {
    let truth = context.kv().await;
    let other = context.kv().await;
    let overtaken = Arc::new(Overtaken { other, verdict: Mutex::default(), looks: AtomicBool::new(false) });
    let kv = context.handle(overtaken.over(context.driver().await));
    for verdict in [Verdict::LoseReply(unanswered()), Verdict::Fail(unanswered())] {
        for write in 0..6 {
            let version = set(&truth, "key", "5").await;
            context.advance(secs(10));
            overtaken.arm(verdict.clone());
            let error = match write {
                0 => kv.put("key", "6", PutOptions::new()).await.map(drop),
                1 => kv.put("key", "6", PutOptions::new().if_version(version)).await.map(drop),
                2 => {
                    kv.touch("key", TouchOptions::expire_after(secs(60)).if_version(version)).await.map(drop)
                }
                3 => kv.delete("key").await,
                4 => kv.delete_if_version("key", version).await.map(drop),
                _ => kv.increment("key", 1, None).await.map(drop),
            };
            let error = error.expect_err("what is there is newer than the write, and is not it");
            assert_eq!(error.kind(), ErrorKind::Ambiguous, "write {write}: {error}");
            assert_eq!(text(&truth, "key").await.as_deref(), Some("77"), "write {write} undid a newer one");
        }
    }
}

async fn what_was_written_just_before_proves_nothing(context: Context) {
    let truth = context.kv().await;
    let scripted = Scripted::new();
    let kv = context.handle(scripted.over(context.driver().await));
    // Other clocks may be off by the skew bound, and an attempt takes its time.
    for (ago, found_out) in [(ms(0), false), (secs(2), false), (secs(10), true)] {
        let kind = (!found_out).then_some(ErrorKind::Ambiguous);
        let version = set(&truth, "replaced", "1").await;
        for key in ["put", "replaced", "counter"] {
            set(&truth, key, "2").await;
        }
        context.advance(ago);
        let lose = |method| scripted.then(method, [Step::fail(unanswered())]);
        lose(Method::Write);
        let put = kv.put("put", "3", PutOptions::new()).await;
        assert_eq!(put.as_ref().err().map(Error::kind), kind, "{ago:?}: {put:?}");
        lose(Method::Write);
        let put = kv.put("replaced", "3", PutOptions::new().if_version(version)).await;
        assert_eq!(put.as_ref().err().map(Error::kind), kind, "{ago:?}: {put:?}");
        lose(Method::Increment);
        let sum = kv.increment("counter", 1, None).await;
        assert_eq!(sum.as_ref().err().map(Error::kind), kind, "{ago:?}: {sum:?}");
        for (key, value) in [("put", "3"), ("replaced", "2"), ("counter", "3")] {
            let expected = if found_out { value } else { "2" };
            assert_eq!(text(&truth, key).await.as_deref(), Some(expected), "{key} after {ago:?}");
        }
    }
}

async fn an_expired_version_is_not_sent_again(context: Context) {
    let truth = context.kv().await;
    let script = Scripted::new();
    let kv = context.handle(script.over(context.driver().await));
    for lost in [true, false] {
        let version = set_for(&truth, "key", "old", secs(20)).await;
        context.advance(secs(10));
        let clock = context.clock();
        let expire = move || clock.advance(secs(10));
        let first = lost.then(|| Step::fail(unanswered()));
        let steps = first.into_iter().chain([Step::fail(refused(ErrorKind::Throttled)).after(expire)]);
        script.then(Method::Write, steps);
        let outcome = kv.put("key", "new", PutOptions::new().if_version(version)).await;
        // It may be refused or in doubt, but an expired version satisfies nothing.
        assert!(
            !matches!(outcome, Ok(PutOutcome::Stored(_))),
            "an expired version was satisfied, lost: {lost}"
        );
        assert_eq!(text(&truth, "key").await, None);
        script.reset();
    }
}

async fn a_touch_after_a_pause_revives_nothing(context: Context) {
    let truth = context.kv().await;
    let script = Scripted::new();
    let kv = context.handle(script.over(context.driver().await));
    for pass in 0..3 {
        set_for(&truth, "key", "old", secs(20)).await;
        context.advance(secs(10));
        let clock = context.clock();
        let expire = move || clock.advance(secs(10));
        // Where a touch is a read and a write, the trouble may come between or before.
        script.then(Method::Write, (0..pass).map(|_| Step::pass()));
        script.then(Method::Write, [Step::fail(refused(ErrorKind::Throttled)).after(expire)]);
        let outcome = kv.touch("key", TouchOptions::expire_after(secs(100))).await.expect("the touch works");
        if script.calls(Method::Write) > pass {
            assert_eq!(outcome, TouchOutcome::Absent, "an expired entry was touched after {pass} writes");
            assert_eq!(text(&truth, "key").await, None);
        }
        script.reset();
        context.advance(secs(200));
    }
}
