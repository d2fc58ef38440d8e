//! A driver whose writes go unanswered.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use larder_core::Timestamp;
use larder_core::driver::{Driver, Increment, RowKey, Write};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::scripted::lost;
use super::{Call, Hook, Verdict};

/// What becomes of a write whose reply is lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Loss {
    /// The request never arrives.
    Before,
    /// The request is carried out.
    After,
    /// The request is carried out, and once more that many calls later.
    Twice(usize),
    /// The request is delayed, and carried out that many calls later.
    Late(usize),
}

/// Loses the replies to writes of users' records: `write`, `increment` and `write_batch`.
///
/// By a script or by a seeded generator, so that a failure can be repeated. A delayed request is the same request: the
/// same id, stamp, expiry, condition and time.
#[derive(Debug)]
pub struct Lossy(Mutex<State>);

#[derive(Debug)]
struct State {
    script: VecDeque<Option<Loss>>,
    /// The losses to draw from, and how many calls of a thousand get one.
    random: Option<(StdRng, u32, &'static [Loss])>,
    delayed: Vec<(usize, Request)>,
    losses: usize,
}

/// A write, to be sent again.
#[derive(Clone, Debug)]
enum Request {
    Write(RowKey, Write, Timestamp),
    Increment(RowKey, Increment, Timestamp),
    WriteBatch(Vec<(RowKey, Write)>, Timestamp),
}

impl Request {
    fn of(call: Call<'_>) -> Option<Self> {
        match call {
            Call::Write(row, write, now) => Some(Self::Write(row.clone(), write.clone(), now)),
            Call::Increment(row, increment, now) => Some(Self::Increment(row.clone(), *increment, now)),
            Call::WriteBatch(writes, now) => Some(Self::WriteBatch(writes.to_vec(), now)),
            _ => None,
        }
    }

    /// Nobody waits for the reply.
    async fn send(&self, inner: &dyn Driver) {
        match self {
            Self::Write(row, write, now) => drop(inner.write(row, write, *now).await),
            Self::Increment(row, increment, now) => drop(inner.increment(row, increment, *now).await),
            Self::WriteBatch(writes, now) => drop(inner.write_batch(writes, *now).await),
        }
    }
}

impl Lossy {
    /// Loses the replies of the next writes by this script; `None` lets one through, and so does the script's end.
    pub fn script(script: impl IntoIterator<Item = Option<Loss>>) -> Arc<Self> {
        Self::new(script.into_iter().collect(), None)
    }

    /// Loses the replies of `per_mille` of a thousand writes, in one of these ways, by a generator with this seed.
    pub fn random(seed: u64, per_mille: u32, losses: &'static [Loss]) -> Arc<Self> {
        Self::new(VecDeque::new(), Some((StdRng::seed_from_u64(seed), per_mille, losses)))
    }

    fn new(script: VecDeque<Option<Loss>>, random: Option<(StdRng, u32, &'static [Loss])>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State { script, random, delayed: Vec::new(), losses: 0 })))
    }

    /// Appends to the script.
    pub fn then(&self, script: impl IntoIterator<Item = Option<Loss>>) {
        self.lock().script.extend(script);
    }

    /// Forgets what is left of the script.
    pub fn end_script(&self) {
        self.lock().script.clear();
    }

    /// How many replies were lost.
    pub fn losses(&self) -> usize {
        self.lock().losses
    }

    /// Carries out now what was delayed, in its order, and returns how many requests that was.
    pub async fn deliver(&self, inner: &dyn Driver) -> usize {
        let delayed = std::mem::take(&mut self.lock().delayed);
        for (_, request) in &delayed {
            request.send(inner).await;
        }
        delayed.len()
    }

    /// What is due now, one call later than the last time.
    fn due(&self) -> Vec<Request> {
        let mut state = self.lock();
        for (calls, _) in &mut state.delayed {
            *calls = calls.saturating_sub(1);
        }
        state.delayed.extract_if(.., |(calls, _)| *calls == 0).map(|(_, request)| request).collect()
    }

    fn decide(&self, request: Request) -> Verdict {
        let mut state = self.lock();
        let drawn = match state.script.pop_front() {
            Some(scripted) => scripted,
            None => state.random.as_mut().and_then(|(rng, per_mille, losses)| {
                let hit = rng.random_range(0..1_000) < *per_mille;
                hit.then(|| losses[rng.random_range(0..losses.len())])
            }),
        };
        let Some(loss) = drawn else { return Verdict::Pass };
        state.losses += 1;
        match loss {
            Loss::Before => Verdict::Fail(lost()),
            Loss::After => Verdict::LoseReply(lost()),
            Loss::Late(calls) => {
                state.delayed.push((calls, request));
                Verdict::Fail(lost())
            }
            Loss::Twice(calls) => {
                state.delayed.push((calls, request));
                Verdict::LoseReply(lost())
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Hook for Lossy {
    async fn before(&self, call: Call<'_>, inner: &dyn Driver) -> Verdict {
        for request in self.due() {
            request.send(inner).await;
        }
        match Request::of(call) {
            Some(request) if !call.is_system() => self.decide(request),
            _ => Verdict::Pass,
        }
    }
}
