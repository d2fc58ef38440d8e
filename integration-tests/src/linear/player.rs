//! One task: it does one random operation after the other, and writes down what it was told.

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use larder_core::{Kv, Version};
use rand::RngExt;
use rand::rngs::StdRng;

use super::history::{Action, Condition, Outcome, Written};
use super::log::{End, KeyLog, Log};
use super::perform::{Look, Move, perform};
use super::unsettled::counting_doubts;

/// What a key is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// It is put, deleted and read.
    Register,
    /// It is added to, and now and then put, deleted and read.
    Counter,
}

/// One task.
pub(super) struct Player {
    pub(super) task: usize,
    pub(super) kv: Kv,
    pub(super) log: Arc<Log>,
    pub(super) kinds: Vec<Kind>,
    /// Of a thousand operations, so many futures are dropped.
    pub(super) dropped: u32,
    pub(super) rng: StdRng,
    /// The versions that this task has seen, by key.
    pub(super) seen: HashMap<String, Vec<Version>>,
}

/// An operation in the terms of [`Action`], before it has a version.
#[derive(Clone, Copy)]
enum Wish {
    Read,
    Put,
    Create,
    Replace,
    PutText,
    Delete,
    DeleteVersion,
    Add,
}

const REGISTER: [(Wish, u32); 6] = [
    (Wish::Read, 30),
    (Wish::Put, 16),
    (Wish::Create, 16),
    (Wish::Replace, 22),
    (Wish::Delete, 8),
    (Wish::DeleteVersion, 8),
];

const COUNTER: [(Wish, u32); 8] = [
    (Wish::Add, 46),
    (Wish::Read, 20),
    (Wish::Put, 6),
    (Wish::Create, 6),
    (Wish::Replace, 8),
    (Wish::PutText, 4),
    (Wish::Delete, 6),
    (Wish::DeleteVersion, 4),
];

impl Player {
    /// Does so many operations.
    pub(super) async fn play(mut self, moves: usize) -> Self {
        for _ in 0..moves {
            self.one().await;
        }
        self
    }

    async fn one(&mut self) {
        let slot = self.rng.random_range(0..self.kinds.len());
        let key = self.log.key(slot);
        let invoked = self.log.moment();
        let wish = self.wish(self.kinds[slot]);
        let next = self.next(wish, self.kinds[slot], &key, invoked);
        let polls = self.rng.random_range(1..8);
        let is_dropped = self.rng.random_range(0..1_000) < self.dropped;
        let place = key.begin(self.task, next.action, invoked);
        let seen = self.seen.entry(key.name.clone()).or_default();
        let work = pin!(perform(&self.kv, &key, &next, seen));
        let (end, doubts) = match is_dropped {
            true => counting_doubts(at_most(polls, work)).await,
            false => counting_doubts(async { Some(work.await) }).await,
        };
        let end = end.unwrap_or(if next.action == Action::Read { End::Void } else { End::Open });
        let recurs = matches!(next.action, Action::Put(_, Condition::Always | Condition::IfAbsent));
        let duplicates = match end {
            End::Answered(Outcome::Stored(_)) if recurs => doubts,
            // The operation itself stands for one of its attempts.
            End::Open if recurs => doubts.saturating_sub(1),
            _ => 0,
        };
        key.end(place, end, self.log.moment(), duplicates);
    }

    fn wish(&mut self, kind: Kind) -> Wish {
        let wishes: &[(Wish, u32)] = match kind {
            Kind::Register => &REGISTER,
            Kind::Counter => &COUNTER,
        };
        let mut drawn = self.rng.random_range(0..wishes.iter().map(|(_, weight)| weight).sum());
        for (wish, weight) in wishes {
            match drawn.checked_sub(*weight) {
                Some(left) => drawn = left,
                None => return *wish,
            }
        }
        Wish::Read
    }

    fn next(&mut self, wish: Wish, kind: Kind, key: &KeyLog, number: u64) -> Move {
        let text = Written::Text(number);
        let value = match kind {
            Kind::Register => text,
            // Far enough from each other that sums tell where they come from.
            Kind::Counter => Written::Number(i64::try_from(number).unwrap_or(i64::MAX).saturating_mul(1_000)),
        };
        let version = match wish {
            Wish::Replace | Wish::DeleteVersion => self.version(&key.name),
            _ => None,
        };
        let bound = version.as_ref().map(|version| Condition::IfVersion(key.token(version)));
        let action = match (wish, bound) {
            (Wish::Put, _) => Action::Put(value, Condition::Always),
            (Wish::PutText, _) => Action::Put(text, Condition::Always),
            (Wish::Create, _) => Action::Put(value, Condition::IfAbsent),
            (Wish::Replace, Some(bound)) => Action::Put(value, bound),
            (Wish::Delete, _) => Action::Delete(Condition::Always),
            (Wish::DeleteVersion, Some(bound)) => Action::Delete(bound),
            (Wish::Add, _) => Action::Add(self.rng.random_range(1..10)),
            // Whoever knows no version looks for one.
            (Wish::Read | Wish::Replace | Wish::DeleteVersion, _) => Action::Read,
        };
        let look = match self.rng.random_range(0..10) {
            0 => Look::Presence,
            1 | 2 => Look::Value,
            _ => Look::Entry,
        };
        Move { action, version, look }
    }

    /// Mostly the last version that this task has seen, and sometimes an older one.
    fn version(&mut self, key: &str) -> Option<Version> {
        let seen = self.seen.get(key)?;
        let newest = seen.len().checked_sub(1)?;
        let place = if self.rng.random_range(0..5) == 0 { self.rng.random_range(0..=newest) } else { newest };
        Some(seen[place].clone())
    }
}

/// Polls a future so many times, and then gives it up.
async fn at_most<T>(polls: u32, mut work: Pin<&mut impl Future<Output = T>>) -> Option<T> {
    let mut left = polls;
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(result) => Poll::Ready(Some(result)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}
