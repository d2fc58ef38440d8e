//! Lost replies among many writes, and several in a row.

use std::collections::HashMap;
use std::time::Duration;

use larder_core::{
    DeleteOutcome, Error, ErrorKind, Kv, PutOptions, PutOutcome, TouchOptions, TouchOutcome, Version,
};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::context::Context;
use crate::support::{entry, ms, secs, set, text};
use crate::wrap::{Hook, Loss, Lossy};

cases! {
    "doubts";
    no_outcome_of_two_thousand_is_untrue: P4 C2;
    no_batch_is_untrue: P4 B1;
    increments_with_lost_replies_add_up: P4 C2;
    versions_with_lost_replies_make_one_chain: P4 P2 P3;
    several_losses_in_a_row_are_resolved: P4 C2;
}

const LOSSES: &[Loss] = &[Loss::Before, Loss::After];

/// What is under a key: the value and the lifetime.
async fn state(kv: &Kv, key: &str) -> Option<(String, Option<Duration>)> {
    let entry = kv.get_entry(key).await.expect("the read works")?;
    Some((String::from_utf8_lossy(entry.value()).into_owned(), entry.ttl()))
}

/// What the handle said about a write.
enum Said {
    Applied,
    Refused,
    Failed(Error),
}

/// One random write: what the handle said, whether its condition held, and what it would have left.
struct Write {
    said: Said,
    holds: bool,
    after: Option<(String, Option<Duration>)>,
}

/// The store as it is, and the versions that its keys had.
struct Bench {
    kv: Kv,
    truth: Kv,
    rng: StdRng,
    versions: HashMap<String, Version>,
}

impl Bench {
    /// A version of the key, which is the present one most of the time, and whether it is.
    async fn version(&mut self, key: &str) -> Option<(Version, bool)> {
        let current =
            self.truth.get_entry(key).await.expect("the read works").map(|entry| entry.version().clone());
        let before = self.versions.get(key).cloned();
        if let Some(current) = &current {
            self.versions.insert(key.to_owned(), current.clone());
        }
        let chosen =
            if self.rng.random_bool(0.7) { current.clone().or(before) } else { before.or(current.clone()) };
        chosen.map(|version| (version.clone(), Some(version) == current))
    }

    /// Does one random write, the `number`th.
    async fn random_write(&mut self, key: &str, number: usize) -> Write {
        let before = state(&self.truth, key).await;
        let version = self.version(key).await;
        let ttl = [None, Some(secs(30)), Some(secs(900))][self.rng.random_range(0..3)];
        let mut options = PutOptions::new();
        options.ttl = ttl;
        let mut touch = TouchOptions::persist();
        touch.ttl = ttl;
        let value = number.to_string();
        let stored = Some((value.clone(), ttl));
        let touched = before.clone().map(|(value, _)| (value, ttl));
        let is_there = before.is_some();
        let kv = &self.kv;
        let (said, holds, after) = match (self.rng.random_range(0..8), version) {
            (0, _) => (put(kv.put(key, value, options).await), true, stored),
            (1, _) => (put(kv.put(key, value, options.if_not_exists()).await), !is_there, stored),
            (2, Some((version, is_current))) => {
                (put(kv.put(key, value, options.if_version(version)).await), is_current, stored)
            }
            (3, _) => (touch_said(kv.touch(key, touch).await), is_there, touched),
            (4, Some((version, is_current))) => {
                (touch_said(kv.touch(key, touch.if_version(version)).await), is_current, touched)
            }
            (5, Some((version, is_current))) => {
                let said = match kv.delete_if_version(key, version).await {
                    Ok(DeleteOutcome::Deleted) => Said::Applied,
                    Ok(DeleteOutcome::ConditionFailed(_)) => Said::Refused,
                    Err(error) => Said::Failed(error),
                };
                (said, is_current, None)
            }
            (6, _) => (kv.delete(key).await.map_or_else(Said::Failed, |()| Said::Applied), true, None),
            _ => {
                let sum = |(value, ttl): (String, _)| (value.parse::<i64>().expect("a number") + 3, ttl);
                let (sum, ttl_after) = before.map_or((3, ttl), sum);
                let said = match kv.increment(key, 3, ttl).await {
                    Ok(told) => {
                        assert_eq!(told, sum, "an addition returns its own sum");
                        Said::Applied
                    }
                    Err(error) => Said::Failed(error),
                };
                (said, true, Some((sum.to_string(), ttl_after)))
            }
        };
        Write { said, holds, after }
    }
}

fn touch_said(result: Result<TouchOutcome, Error>) -> Said {
    match result {
        Ok(TouchOutcome::Touched(_)) => Said::Applied,
        Ok(_) => Said::Refused,
        Err(error) => Said::Failed(error),
    }
}

fn put(result: Result<PutOutcome, Error>) -> Said {
    match result {
        Ok(PutOutcome::Stored(_)) => Said::Applied,
        Ok(PutOutcome::ConditionFailed(_)) => Said::Refused,
        Err(error) => Said::Failed(error),
    }
}

async fn no_outcome_of_two_thousand_is_untrue(context: Context) {
    const WRITES: usize = 2_000;
    let truth = context.kv().await;
    set(&truth, "warm", "").await;
    let lossy = Lossy::random(context.seed(), 100, LOSSES);
    let kv = context.handle(lossy.over(context.driver().await));
    let rng = StdRng::seed_from_u64(context.seed() ^ 1);
    let mut bench = Bench { kv, truth: truth.clone(), rng, versions: HashMap::new() };
    let mut ambiguous = 0;
    for number in 0..WRITES {
        context.advance(ms(bench.rng.random_range(0..20_000)));
        let key = format!("key{}", bench.rng.random_range(0..6));
        let before = state(&truth, &key).await;
        let write = bench.random_write(&key, number).await;
        let now = state(&truth, &key).await;
        let what =
            || format!("write {number} on {key}: {before:?} became {now:?}, done is {:?}", write.after);
        match &write.said {
            Said::Applied => assert!(write.holds && now == write.after, "said to be done; {}", what()),
            Said::Refused => assert!(!write.holds && now == before, "said to be refused; {}", what()),
            Said::Failed(error) => {
                // Nothing but a loss is the matter, so that any other error is untrue.
                assert_eq!(error.kind(), ErrorKind::Ambiguous, "{error}; {}", what());
                assert!(now == before || (write.holds && now == write.after), "half done; {}", what());
                ambiguous += 1;
            }
        }
    }
    let lost = lossy.losses();
    assert!(lost > WRITES / 20, "only {lost} replies were lost");
    assert!(ambiguous < lost / 2, "{ambiguous} of {lost} could not be found out");
}

async fn no_batch_is_untrue(context: Context) {
    let truth = context.kv().await;
    set(&truth, "warm", "").await;
    let lossy = Lossy::random(context.seed(), 400, LOSSES);
    let kv = context.handle(lossy.over(context.driver().await));
    let keys: Vec<String> = (0..60).map(|at| format!("key{at:02}")).collect();
    for round in 0..12 {
        context.advance(secs(10));
        let value = format!("round {round}");
        let deletes = round % 3 == 2;
        let results: Vec<Result<(), Error>> = if deletes {
            kv.delete_many(&keys).await.expect("the batch works")
        } else {
            let results =
                kv.put_many(keys.iter().map(|key| (key, &value)), None).await.expect("the batch works");
            results.into_iter().map(|result| result.map(drop)).collect()
        };
        for (key, result) in keys.iter().zip(results) {
            let now = text(&truth, key).await;
            let done = if deletes { now.is_none() } else { now.as_ref() == Some(&value) };
            match result {
                Ok(()) => assert!(done, "{key} in round {round}: said to be done, and is {now:?}"),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Ambiguous, "{error}"),
            }
        }
    }
    assert!(lossy.losses() > 5, "only {} replies were lost", lossy.losses());
}

async fn increments_with_lost_replies_add_up(context: Context) {
    const ADDITIONS: usize = 400;
    let truth = context.kv().await;
    set(&truth, "counter", "0").await;
    // Duplicates come while the counter remembers what they duplicate.
    let losses = &[Loss::Before, Loss::After, Loss::Twice(3), Loss::Late(3)];
    let lossy = Lossy::random(context.seed(), 250, losses);
    let kv = context.handle(lossy.over(context.driver().await));
    let mut rng = StdRng::seed_from_u64(context.seed() ^ 1);
    let (mut sure, mut doubtful, mut last) = (0, 0, 0);
    for _ in 0..ADDITIONS {
        context.advance(ms(rng.random_range(0..10_000)));
        match kv.increment("counter", 1, None).await {
            Ok(sum) => {
                assert!(sum > last, "{sum} after {last}: a result was given twice");
                (sure, last) = (sure + 1, sum);
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Ambiguous, "{error}");
                doubtful += 1;
            }
        }
    }
    lossy.deliver(&*context.driver().await).await;
    let total: i64 = text(&truth, "counter").await.expect("it is there").parse().expect("a number");
    assert!(
        sure <= total && total <= sure + doubtful,
        "{sure} were added and {doubtful} are in doubt: {total}"
    );
    assert!(doubtful < 40, "{doubtful} of {} could not be found out", lossy.losses());
}

async fn versions_with_lost_replies_make_one_chain(context: Context) {
    let truth = context.kv().await;
    set(&truth, "chain", "").await;
    let losses = &[Loss::Before, Loss::After, Loss::Twice(2), Loss::Late(2), Loss::Late(5)];
    let lossy = Lossy::random(context.seed(), 300, losses);
    let kv = context.handle(lossy.over(context.driver().await));
    let mut expected = String::new();
    let mut version = entry(&truth, "chain").await.version().clone();
    for number in 0..300 {
        context.advance(secs(5));
        let next = number.to_string();
        match kv.put("chain", next.clone(), PutOptions::new().if_version(version.clone())).await {
            Ok(PutOutcome::Stored(new)) => (expected, version) = (next, new),
            Ok(PutOutcome::ConditionFailed(_)) => panic!("nobody else writes, and {number} was refused"),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Ambiguous, "{error}");
                let now = entry(&truth, "chain").await;
                assert!([&expected, &next].contains(&&text_of(&now)));
                (expected, version) = (text_of(&now), now.version().clone());
            }
        }
        assert_eq!(text(&truth, "chain").await.as_ref(), Some(&expected), "after {number}");
    }
}

fn text_of(entry: &larder_core::Entry) -> String {
    String::from_utf8_lossy(entry.value()).into_owned()
}

async fn several_losses_in_a_row_are_resolved(context: Context) {
    let truth = context.kv().await;
    set(&truth, "warm", "").await;
    let lossy = Lossy::script([]);
    let kv = context.handle(lossy.over(context.driver().await));
    for script in [
        [Loss::Before; 3],
        [Loss::Before, Loss::Before, Loss::After],
        [Loss::Before, Loss::After, Loss::After],
    ] {
        for key in ["put", "touch", "counter"] {
            set(&truth, key, "1").await;
        }
        let version = set(&truth, "version", "1").await;
        context.advance(secs(10));
        let lose = || lossy.then(script.map(Some));
        lose();
        assert!(kv.put("put", "2", PutOptions::new()).await.expect("it is found out").is_stored());
        lossy.end_script();
        lose();
        let outcome = kv.touch("touch", TouchOptions::expire_after(secs(60))).await.expect("it is found out");
        assert!(outcome.is_touched());
        lossy.end_script();
        lose();
        let options = PutOptions::new().if_version(version);
        assert!(kv.put("version", "2", options).await.expect("it is found out").is_stored());
        lossy.end_script();
        lose();
        assert_eq!(kv.increment("counter", 1, None).await.expect("it is found out"), 2);
        lossy.end_script();
        for (key, value) in [("put", "2"), ("touch", "1"), ("version", "2"), ("counter", "2")] {
            assert_eq!(text(&truth, key).await.as_deref(), Some(value), "{key} after {script:?}");
        }
    }
}
