//! Every kind of write, and what a handle says of it.

use std::time::Duration;

use larder_core::{
    DeleteOutcome, ErrorKind, Kv, PutOptions, PutOutcome, Result, TouchOptions, TouchOutcome, Version,
};

pub(crate) const HOUR: Duration = Duration::from_secs(3_600);
/// Longer than the skew bound and an attempt: what was there is certainly older than the next write.
pub(crate) const PAUSE: Duration = Duration::from_secs(10);

/// A write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Op {
    Put,
    Create,
    Swap,
    Touch,
    TouchVersion,
    Delete,
    DeleteVersion,
    Increment,
    PutMany,
    DeleteMany,
}

impl Op {
    pub(crate) const ALL: [Self; 10] = [
        Self::Put,
        Self::Create,
        Self::Swap,
        Self::Touch,
        Self::TouchVersion,
        Self::Delete,
        Self::DeleteVersion,
        Self::Increment,
        Self::PutMany,
        Self::DeleteMany,
    ];

    /// What is there after it was applied to a live 5, or to nothing.
    pub(crate) fn applied(self, before: Option<&str>) -> Option<String> {
        match self {
            Self::Put | Self::Create | Self::Swap | Self::PutMany => Some("8".to_owned()),
            Self::Touch | Self::TouchVersion => before.map(str::to_owned),
            Self::Delete | Self::DeleteVersion | Self::DeleteMany => None,
            Self::Increment => Some(if before.is_some() { "8" } else { "3" }.to_owned()),
        }
    }

    /// Whether its condition holds.
    pub(crate) fn holds(self, is_there: bool) -> bool {
        match self {
            Self::Put | Self::Delete | Self::Increment | Self::PutMany | Self::DeleteMany => true,
            Self::Create => !is_there,
            Self::Swap | Self::Touch | Self::TouchVersion | Self::DeleteVersion => is_there,
        }
    }

    pub(crate) async fn run(self, kv: &Kv, key: &str, version: Version) -> Said {
        let put = PutOptions::new().ttl(HOUR);
        let touch = TouchOptions::expire_after(HOUR);
        let touched = |outcome| match outcome {
            TouchOutcome::Touched(_) => Said::Applied,
            TouchOutcome::Absent | TouchOutcome::ConditionFailed(_) => Said::Refused,
        };
        match self {
            Self::Put => said(kv.put(key, "8", put).await, put_said),
            Self::Create => said(kv.put(key, "8", put.if_not_exists()).await, put_said),
            Self::Swap => said(kv.put(key, "8", put.if_version(version)).await, put_said),
            Self::Touch => said(kv.touch(key, touch).await, touched),
            Self::TouchVersion => said(kv.touch(key, touch.if_version(version)).await, touched),
            Self::Delete => said(kv.delete(key).await, |()| Said::Applied),
            Self::DeleteVersion => said(kv.delete_if_version(key, version).await, |outcome| match outcome {
                DeleteOutcome::Deleted => Said::Applied,
                DeleteOutcome::ConditionFailed(_) => Said::Refused,
            }),
            Self::Increment => said(kv.increment(key, 3, HOUR).await, |sum| {
                assert!(sum == 8 || sum == 3, "a sum of {sum}");
                Said::Applied
            }),
            Self::PutMany => one(kv.put_many([(key, "8")], HOUR).await),
            Self::DeleteMany => one(kv.delete_many([key]).await),
        }
    }
}

fn one<T>(results: Result<Vec<Result<T>>>) -> Said {
    match results {
        Ok(mut results) => said(results.pop().expect("one answer"), |_| Said::Applied),
        Err(error) => said::<()>(Err(error), |()| Said::Applied),
    }
}

fn put_said(outcome: PutOutcome) -> Said {
    if outcome.is_stored() { Said::Applied } else { Said::Refused }
}

/// What the handle said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Said {
    Applied,
    Refused,
    Ambiguous,
    /// An error that means: not applied, and never will be.
    Failed(ErrorKind),
}

fn said<T>(result: Result<T>, outcome: impl FnOnce(T) -> Said) -> Said {
    match result {
        Ok(value) => outcome(value),
        Err(error) if error.kind() == ErrorKind::Ambiguous => Said::Ambiguous,
        Err(error) => Said::Failed(error.kind()),
    }
}
