//! Every write in every state of the entry, for the cases that lose replies.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use larder_core::{
    DeleteOutcome, ErrorKind, Kv, PutOptions, PutOutcome, Result, TouchOptions, TouchOutcome, Version,
};

use crate::context::Context;
use crate::support::{secs, set, set_for};
use crate::wrap::{Hook, Loss, Lossy};

/// The writes that there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Op {
    Put,
    PutIfAbsent,
    PutIfVersion,
    Touch,
    TouchIfVersion,
    Delete,
    DeleteIfVersion,
    Increment,
    PutMany,
    DeleteMany,
}

pub(super) const OPS: [Op; 10] = [
    Op::Put,
    Op::PutIfAbsent,
    Op::PutIfVersion,
    Op::Touch,
    Op::TouchIfVersion,
    Op::Delete,
    Op::DeleteIfVersion,
    Op::Increment,
    Op::PutMany,
    Op::DeleteMany,
];

/// What is under the key before the write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Start {
    Absent,
    Live,
    Expired,
    /// Live, and replaced since the version was read.
    Replaced,
}

pub(super) const STARTS: [Start; 4] = [Start::Absent, Start::Live, Start::Expired, Start::Replaced];

/// What is under a key: the value and the lifetime.
pub(super) type State = Option<(Bytes, Option<Duration>)>;

/// What the handle said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Said {
    Applied(Option<Version>),
    Refused,
    Ambiguous,
}

pub(super) const OLD_TTL: Duration = secs(3_600);
pub(super) const NEW_TTL: Duration = secs(7_200);
/// Longer than the skew bound and an attempt: what was there is certainly older than the write.
pub(super) const PAUSE: Duration = secs(10);

/// A store with a handle that loses replies, and one that tells the truth.
pub(super) struct Bench {
    pub(super) context: Context,
    pub(super) truth: Kv,
    pub(super) lossy: Arc<Lossy>,
    pub(super) kv: Kv,
}

impl Bench {
    pub(super) async fn new(context: Context) -> Self {
        let truth = context.kv().await;
        set(&truth, "warm", "").await;
        let lossy = Lossy::script([]);
        let kv = context.handle(lossy.over(context.driver().await));
        Self { context, truth, lossy, kv }
    }

    pub(super) async fn state(&self, key: &str) -> State {
        let entry = self.truth.get_entry(key).await.expect("the read works")?;
        let ttl = entry.ttl();
        Some((entry.into_value(), ttl))
    }

    /// Prepares the key, and lets enough time pass; returns the version to use.
    pub(super) async fn prepare(&self, key: &str, start: Start) -> Version {
        let version = match start {
            Start::Expired => set_for(&self.truth, key, "5", secs(1)).await,
            _ => set_for(&self.truth, key, "5", OLD_TTL + PAUSE).await,
        };
        match start {
            Start::Absent => self.truth.delete(key).await.expect("the delete works"),
            Start::Replaced => drop(set_for(&self.truth, key, "5", OLD_TTL + PAUSE).await),
            Start::Live | Start::Expired => {}
        }
        self.context.advance(PAUSE);
        version
    }

    pub(super) async fn run(&self, op: Op, key: &str, version: Version, loss: Loss) -> Said {
        // One that was refused without a request has left its loss behind.
        self.lossy.end_script();
        self.lossy.then([Some(loss)]);
        let kv = &self.kv;
        let options = PutOptions::new().ttl(NEW_TTL);
        let touch = TouchOptions::expire_after(NEW_TTL);
        match op {
            Op::Put => put(kv.put(key, "8", options).await),
            Op::PutIfAbsent => put(kv.put(key, "8", options.if_not_exists()).await),
            Op::PutIfVersion => put(kv.put(key, "8", options.if_version(version)).await),
            Op::Touch => touched(kv.touch(key, touch).await),
            Op::TouchIfVersion => touched(kv.touch(key, touch.if_version(version)).await),
            Op::Delete => said(kv.delete(key).await, |()| Said::Applied(None)),
            Op::DeleteIfVersion => said(kv.delete_if_version(key, version).await, |outcome| match outcome {
                DeleteOutcome::Deleted => Said::Applied(None),
                DeleteOutcome::ConditionFailed(_) => Said::Refused,
            }),
            Op::Increment => said(kv.increment(key, 3, NEW_TTL).await, |sum| {
                assert!(sum == 8 || sum == 3, "a sum of {sum}");
                Said::Applied(None)
            }),
            Op::PutMany => {
                let results = kv.put_many([(key, "8")], NEW_TTL).await.expect("the batch works");
                said(results.into_iter().next().expect("one answer"), |version| Said::Applied(Some(version)))
            }
            Op::DeleteMany => {
                let results = kv.delete_many([key]).await.expect("the batch works");
                said(results.into_iter().next().expect("one answer"), |()| Said::Applied(None))
            }
        }
    }
}

pub(super) fn said<T>(result: Result<T>, outcome: impl FnOnce(T) -> Said) -> Said {
    match result {
        Ok(value) => outcome(value),
        Err(error) => {
            // With a loss as the only trouble, no other error is true.
            assert_eq!(error.kind(), ErrorKind::Ambiguous, "{error}");
            assert!(!error.is_retryable(), "an ambiguous write must not be sent again unseen");
            Said::Ambiguous
        }
    }
}

pub(super) fn put(result: Result<PutOutcome>) -> Said {
    said(result, |outcome| match outcome {
        PutOutcome::Stored(version) => Said::Applied(Some(version)),
        PutOutcome::ConditionFailed(_) => Said::Refused,
    })
}

pub(super) fn touched(result: Result<TouchOutcome>) -> Said {
    said(result, |outcome| match outcome {
        TouchOutcome::Touched(version) => Said::Applied(Some(version)),
        TouchOutcome::Absent | TouchOutcome::ConditionFailed(_) => Said::Refused,
    })
}

/// Whether the write's condition holds.
pub(super) fn holds(op: Op, start: Start) -> bool {
    match op {
        Op::Put | Op::Delete | Op::Increment | Op::PutMany | Op::DeleteMany => true,
        Op::PutIfAbsent => matches!(start, Start::Absent | Start::Expired),
        Op::PutIfVersion | Op::TouchIfVersion | Op::DeleteIfVersion => start == Start::Live,
        Op::Touch => matches!(start, Start::Live | Start::Replaced),
    }
}

/// What is there once the write was applied.
pub(super) fn applied(op: Op, before: &State) -> State {
    match op {
        Op::Put | Op::PutIfAbsent | Op::PutIfVersion | Op::PutMany => Some(("8".into(), Some(NEW_TTL))),
        Op::Touch | Op::TouchIfVersion => before.clone().map(|(value, _)| (value, Some(NEW_TTL))),
        Op::Delete | Op::DeleteIfVersion | Op::DeleteMany => None,
        Op::Increment => Some(match before {
            Some((_, ttl)) => ("8".into(), *ttl),
            None => ("3".into(), Some(NEW_TTL)),
        }),
    }
}
