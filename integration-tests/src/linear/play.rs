//! Letting tasks loose on a store.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use larder_core::driver::Driver;
use larder_core::{Kv, ManualClock, RetryPolicy};
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::log::{Limits, Log, Record};
use super::player::{Kind, Player};
use super::unsettled::{Losses, Unsettled};

/// Whether time passes between the rounds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Passing {
    /// It stands still: after a lost reply the stored times prove nothing.
    Stands,
    /// Enough that every record of one round was certainly there before the writes of the next, which is what the
    /// handle goes by after a lost reply. No request may still be under way then, so that no future may be dropped.
    Jumps,
}

/// What is played.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How many tasks work at a time.
    pub tasks: usize,
    /// How many handles they share, each on a driver of its own.
    pub handles: usize,
    /// The keys at a time, and what they are for.
    pub kinds: Vec<Kind>,
    /// How often the tasks wait for each other.
    pub rounds: usize,
    /// What each task does in a round.
    pub moves: usize,
    /// How long a history gets.
    pub limits: Limits,
    /// What goes wrong.
    pub losses: Losses,
    /// Whether time passes between the rounds.
    pub passing: Passing,
    /// Where the random numbers begin.
    pub seed: u64,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            tasks: 8,
            handles: 4,
            kinds: vec![Kind::Register, Kind::Counter, Kind::Register],
            rounds: 40,
            moves: 20,
            limits: Limits { ops: 50, open: 5 },
            losses: Losses::default(),
            passing: Passing::Stands,
            seed: 1,
        }
    }
}

/// Longer than the skew bound and the time of an attempt together.
const LONG: Duration = Duration::from_secs(60);

/// Lets the tasks of a plan work on a fresh store, and returns what happened.
pub async fn play(plan: &Plan, driver: impl AsyncFn() -> Arc<dyn Driver>) -> Record {
    play_by(plan, Arc::new(ManualClock::default()), driver).await
}

/// The same by that clock, which a store behind a server goes by, too.
pub async fn play_by(
    plan: &Plan,
    clock: Arc<ManualClock>,
    driver: impl AsyncFn() -> Arc<dyn Driver>,
) -> Record {
    let jumps = plan.passing == Passing::Jumps;
    assert!(!jumps || plan.losses.dropped == 0, "a request of a dropped future may be under way over a jump");
    let log = Arc::new(Log::new(plan.kinds.len(), plan.limits));
    let mut handles = Vec::new();
    for number in 0..plan.handles {
        let seed = plan.seed.wrapping_mul(1_000).wrapping_add(number as u64);
        let driver = Unsettled::over(driver().await, plan.losses, seed);
        handles.push(Kv::builder(driver).clock(Arc::clone(&clock) as _).retry(policy()).build());
    }
    let player = |task: usize| Player {
        task,
        kv: handles[task % handles.len()].clone(),
        log: Arc::clone(&log),
        kinds: plan.kinds.clone(),
        dropped: plan.losses.dropped,
        rng: StdRng::seed_from_u64(plan.seed.wrapping_mul(1_000_000).wrapping_add(task as u64)),
        seen: HashMap::new(),
    };
    let mut players: Vec<_> = (0..plan.tasks).map(player).collect();
    for _ in 0..plan.rounds {
        let playing: Vec<_> = players.drain(..).map(|player| tokio::spawn(player.play(plan.moves))).collect();
        for player in playing {
            players.push(player.await.expect("no operation panics"));
        }
        if jumps {
            clock.advance(LONG);
        }
    }
    log.record()
}

/// Pauses so short that a lost reply costs no time, and a reserve of retries that is never used up.
fn policy() -> RetryPolicy {
    let mut policy = RetryPolicy::default();
    policy.backoff_min = Duration::from_millis(1);
    policy.backoff_max = Duration::from_millis(4);
    policy.budget = 1_000_000;
    policy
}
