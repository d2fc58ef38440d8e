//! Races: many tasks on two handles, and exactly one winner.

use std::collections::BTreeSet;
use std::sync::Arc;

use larder_core::{Kv, PutOptions, PutOutcome, Seen, TouchOptions, Version};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::context::Context;
use crate::support::{entry, keys, ms, secs, set, set_for, text};

cases! {
    "races";
    one_of_many_creates: P3 P1;
    one_of_many_takes_over_an_expired_entry: P3 T2;
    one_of_many_replaces_a_version: P3 P2;
    one_of_many_deletes_a_version: P3 P2;
    one_of_many_touches_a_version: P3 T5;
    every_winner_has_its_own_version: P3 P2;
    additions_are_never_lost: C1 P3;
    an_expired_counter_begins_anew_once: C1 T2 P3;
    unconditional_puts_leave_one_of_them: P1 P4;
    a_lock_is_held_by_one: P3 T2;
    changes_by_version_are_never_lost: P3 P2;
    touches_keep_the_value: T5 P3;
}

const TASKS: usize = 32;

/// Runs 32 tasks at once, half of them on each of two handles, and returns what they return, in their order.
async fn race<T, F>(context: &Context, run: impl Fn(Kv, usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let handles = [context.kv().await, context.kv().await];
    for kv in &handles {
        kv.exists("warm").await.expect("exists works");
    }
    // All start at once, and not the first before the last is made.
    let start = Arc::new(Barrier::new(TASKS));
    let mut tasks = JoinSet::new();
    for number in 0..TASKS {
        let work = run(handles[number % 2].clone(), number);
        let start = Arc::clone(&start);
        tasks.spawn(async move {
            start.wait().await;
            (number, work.await)
        });
    }
    let mut results = Vec::new();
    while let Some(result) = tasks.join_next().await {
        results.push(result.expect("the task ends well"));
    }
    results.sort_by_key(|(number, _)| *number);
    results.into_iter().map(|(_, result)| result).collect()
}

/// The number of the only put that was stored.
fn winner(outcomes: &[PutOutcome]) -> usize {
    let stored: Vec<usize> = outcomes
        .iter()
        .enumerate()
        .filter(|(_, outcome)| outcome.is_stored())
        .map(|(number, _)| number)
        .collect();
    let [winner] = stored[..] else { panic!("{} of {TASKS} were stored: {stored:?}", stored.len()) };
    winner
}

/// Whoever lost was shown the winner's entry, or nothing.
fn check_losers(outcomes: &[PutOutcome], winner: usize) {
    for outcome in outcomes {
        if let PutOutcome::ConditionFailed(seen) = outcome {
            match seen {
                Seen::Entry(entry) => assert_eq!(entry.value(), winner.to_string().as_bytes()),
                Seen::NotShown => {}
                Seen::Absent => panic!("the entry in the way was said to be absent"),
            }
        }
    }
}

async fn create(kv: Kv, key: &'static str, number: usize) -> PutOutcome {
    kv.put(key, number.to_string(), PutOptions::new().if_not_exists()).await.expect("the put works")
}

async fn one_of_many_creates(context: Context) {
    let kv = context.kv().await;
    for _ in 0..5 {
        let outcomes = race(&context, |kv, number| create(kv, "key", number)).await;
        let winner = winner(&outcomes);
        check_losers(&outcomes, winner);
        let entry = entry(&kv, "key").await;
        assert_eq!(entry.value(), winner.to_string().as_bytes());
        assert_eq!(outcomes[winner].version(), Some(entry.version()));
        kv.delete("key").await.expect("the delete works");
    }
}

async fn one_of_many_takes_over_an_expired_entry(context: Context) {
    let kv = context.kv().await;
    for round in 0..5 {
        set_for(&kv, "key", "expired", ms(10)).await;
        context.advance(ms(10));
        if round == 4 {
            // The row may have been removed meanwhile.
            kv.sweep().await.expect("the sweep works");
        }
        let outcomes = race(&context, |kv, number| create(kv, "key", number)).await;
        let winner = winner(&outcomes);
        check_losers(&outcomes, winner);
        assert_eq!(text(&kv, "key").await, Some(winner.to_string()));
    }
}

async fn one_of_many_replaces_a_version(context: Context) {
    let kv = context.kv().await;
    let mut version = set(&kv, "key", "start").await;
    for _ in 0..5 {
        let outcomes = race(&context, |kv, number| {
            let options = PutOptions::new().if_version(version.clone());
            async move { kv.put("key", number.to_string(), options).await.expect("the put works") }
        })
        .await;
        let winner = winner(&outcomes);
        check_losers(&outcomes, winner);
        let now = entry(&kv, "key").await;
        assert_eq!(now.value(), winner.to_string().as_bytes());
        assert_eq!(outcomes[winner].version(), Some(now.version()));
        version = now.version().clone();
    }
}

async fn one_of_many_deletes_a_version(context: Context) {
    let kv = context.kv().await;
    for _ in 0..3 {
        let version = set(&kv, "key", "x").await;
        let outcomes = race(&context, |kv, _| {
            let version = version.clone();
            async move { kv.delete_if_version("key", version).await.expect("the delete works").is_deleted() }
        })
        .await;
        assert_eq!(outcomes.iter().filter(|deleted| **deleted).count(), 1);
        assert_eq!(text(&kv, "key").await, None);
    }
}

async fn one_of_many_touches_a_version(context: Context) {
    let kv = context.kv().await;
    for _ in 0..3 {
        let version = set(&kv, "key", "x").await;
        let outcomes = race(&context, |kv, number| {
            let ttl = secs(u64::try_from(number).expect("a small number") + 1);
            let options = TouchOptions::expire_after(ttl).if_version(version.clone());
            async move { kv.touch("key", options).await.expect("the touch works").is_touched() }
        })
        .await;
        let winners: Vec<_> = (1..).zip(&outcomes).filter(|(_, touched)| **touched).collect();
        let [(winner, _)] = winners[..] else { panic!("{} of {TASKS} touched it", winners.len()) };
        assert_eq!(entry(&kv, "key").await.ttl(), Some(secs(winner)));
    }
}

async fn every_winner_has_its_own_version(context: Context) {
    let versions = race(&context, |kv, number| async move {
        let key = format!("key{}", number % 4);
        set(&kv, &key, "x").await
    })
    .await;
    let texts: BTreeSet<String> = versions.iter().map(Version::to_string).collect();
    assert_eq!(texts.len(), TASKS, "a version was given out twice");
}

async fn additions_are_never_lost(context: Context) {
    let kv = context.kv().await;
    for start in [None, Some("1000")] {
        let base = match start {
            None => 0,
            Some(text) => {
                set(&kv, "counter", text).await;
                1_000
            }
        };
        let mut sums = race(&context, |kv, _| async move {
            let mut sums = Vec::new();
            for _ in 0..4 {
                sums.push(kv.increment("counter", 1, None).await.expect("it adds"));
            }
            assert!(sums.is_sorted(), "a task's own additions are in order: {sums:?}");
            sums
        })
        .await
        .concat();
        sums.sort_unstable();
        let last = i64::try_from(TASKS * 4).expect("a small number");
        assert!(sums.iter().copied().eq(base + 1..=base + last), "every addition has its own sum: {sums:?}");
        assert_eq!(text(&kv, "counter").await, Some((base + last).to_string()));
    }
}

async fn an_expired_counter_begins_anew_once(context: Context) {
    let kv = context.kv().await;
    for _ in 0..4 {
        kv.increment("counter", 500, ms(10)).await.expect("it adds");
        context.advance(ms(10));
        let mut sums =
            race(&context, |kv, _| async move { kv.increment("counter", 1, ms(10)).await.expect("it adds") })
                .await;
        sums.sort_unstable();
        assert!(sums.iter().copied().eq(1..=32), "{sums:?}");
        assert_eq!(entry(&kv, "counter").await.ttl(), Some(ms(10)));
        context.advance(ms(10));
    }
}

async fn unconditional_puts_leave_one_of_them(context: Context) {
    let kv = context.kv().await;
    for _ in 0..3 {
        let versions = race(&context, |kv, number| async move {
            let value = format!("{number:02}").repeat(200);
            set_for(&kv, "key", value, secs(u64::try_from(number).expect("a small number") + 1)).await
        })
        .await;
        let entry = entry(&kv, "key").await;
        let value = String::from_utf8_lossy(entry.value()).into_owned();
        let number: usize = value[..2].parse().expect("a number");
        assert_eq!(value, format!("{number:02}").repeat(200), "a mixture of two values");
        assert_eq!(entry.ttl(), Some(secs(u64::try_from(number).expect("a small number") + 1)));
        assert_eq!(entry.version(), &versions[number]);
    }
}

/// The life of a lock with a lease: taken, held, lost by expiry, and taken by one other.
async fn a_lock_is_held_by_one(context: Context) {
    let kv = context.kv().await;
    let options = || PutOptions::new().ttl(secs(30)).if_not_exists();
    for _ in 0..4 {
        let holders = race(&context, |kv, number| async move {
            kv.put("lock", number.to_string(), options()).await.expect("the put works").into_version()
        })
        .await;
        let held: Vec<&Version> = holders.iter().flatten().collect();
        let [version] = held[..] else { panic!("{} hold the lock", held.len()) };
        // It renews while it holds, and cannot once the lease has run out.
        context.advance(secs(29));
        let options = PutOptions::new().ttl(secs(30)).if_version(version.clone());
        let renewed = kv.put("lock", "renewed", options).await.expect("the put works");
        let renewed = renewed.into_version().expect("the lease is still held");
        context.advance(secs(30));
        let late = kv
            .put("lock", "late", PutOptions::new().if_version(renewed.clone()))
            .await
            .expect("the put works");
        assert!(!late.is_stored(), "a lease that ran out was renewed");
        assert!(!kv.delete_if_version("lock", renewed).await.expect("the delete works").is_deleted());
    }
}

async fn changes_by_version_are_never_lost(context: Context) {
    let kv = context.kv().await;
    set(&kv, "list", "").await;
    race(&context, |kv, number| async move {
        loop {
            let current = entry(&kv, "list").await;
            let list = format!("{}{number},", String::from_utf8_lossy(current.value()));
            let options = PutOptions::new().if_version(current.version().clone());
            if kv.put("list", list, options).await.expect("the put works").is_stored() {
                return;
            }
            crate::support::next_turn().await;
        }
    })
    .await;
    let list = text(&kv, "list").await.expect("it is there");
    let mut numbers: Vec<usize> =
        list.split_terminator(',').map(|number| number.parse().expect("a number")).collect();
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(0..TASKS), "{list}");
}

async fn touches_keep_the_value(context: Context) {
    let kv = context.kv().await;
    set(&kv, "key", "0").await;
    race(&context, |kv, number| async move {
        if number % 2 == 0 {
            let outcome =
                kv.touch("key", TouchOptions::expire_after(secs(600))).await.expect("the touch works");
            assert!(outcome.is_touched());
        } else {
            kv.increment("key", 1, None).await.expect("it adds");
        }
    })
    .await;
    assert_eq!(text(&kv, "key").await.as_deref(), Some("16"), "a touch undid an addition");
    assert_eq!(keys(&kv, "").await, ["key"]);
}
