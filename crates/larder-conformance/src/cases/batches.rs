//! Many keys at once: every position has its own answer.

use std::collections::HashSet;

use larder_core::driver::DriverError;
use larder_core::{ErrorKind, Kv, LATEST_EXPIRY, MAX_VALUE_BYTES, PutOptions};

use crate::context::Context;
use crate::support::{entry, keys, ms, secs, set, set_for, set_many, text};
use crate::wrap::{BatchFault, Counting, Hook, Method, Posing, Scripted, Step};

cases! {
    "batches";
    batches_of_every_size: B1;
    every_position_has_its_own_answer: B1;
    duplicates_collapse_and_the_last_wins: B1;
    a_bad_item_is_named_before_any_request: B1 K3 V1;
    versions_from_a_batch_hold: B1 P2;
    a_batch_sets_the_lifetime: B1 T1 T7;
    a_batch_keeps_every_moment: B1 T1 T2 T6;
    what_was_left_undone_is_sent_again: B1 E4;
    one_position_can_fail_alone: B1 E1;
    batches_are_cut_by_count_and_bytes: B1;
    batches_replace_and_delete_without_conditions: B1 T2;
    a_whole_batch_is_tried_again: B1 E4;
}

fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|at| format!("k{at:05}")).collect()
}

/// The values that a batch finds; `None` for a miss.
async fn values(kv: &Kv, keys: &[impl AsRef<str>]) -> Vec<Option<String>> {
    let found = kv.get_many(keys.iter().map(AsRef::as_ref)).await.expect("the batch works");
    let value = |entry: larder_core::Entry| String::from_utf8_lossy(entry.value()).into_owned();
    found.into_iter().map(|found| found.expect("the read works").map(value)).collect()
}

async fn batches_of_every_size(context: Context) {
    let kv = context.kv().await;
    assert!(kv.get_many(Vec::<String>::new()).await.expect("nothing is no error").is_empty());
    assert!(kv.put_many(Vec::<(String, String)>::new(), None).await.expect("nothing is no error").is_empty());
    assert!(kv.delete_many(Vec::<String>::new()).await.expect("nothing is no error").is_empty());
    for count in [1, 2, 24, 25, 26, 99, 100, 101, 250, 700] {
        let keys = numbered(count);
        set_many(&kv, &keys).await;
        let expected: Vec<_> = keys.iter().cloned().map(Some).collect();
        assert_eq!(values(&kv, &keys).await, expected, "{count} keys");
        let deleted = kv.delete_many(&keys).await.expect("the batch works");
        assert_eq!(deleted.len(), count);
        assert!(deleted.iter().all(Result::is_ok));
        assert_eq!(values(&kv, &keys).await, vec![None; count], "{count} keys");
    }
}

async fn every_position_has_its_own_answer(context: Context) {
    let kv = context.kv().await;
    let keys = numbered(250);
    for (at, key) in keys.iter().enumerate() {
        match at % 5 {
            0 => drop(set(&kv, key, format!("value {at}")).await),
            1 => drop(set_for(&kv, key, format!("value {at}"), secs(60)).await),
            2 => drop(set_for(&kv, key, "expired", ms(1)).await),
            3 => drop(set(&kv, key, "").await),
            _ => {}
        }
    }
    context.advance(ms(1));
    // Not in the order of the keys.
    let mut shuffled: Vec<usize> = (0..250).map(|at| at * 97 % 250).collect();
    shuffled.push(0);
    let found = kv.get_many(shuffled.iter().map(|at| &keys[*at])).await.expect("the batch works");
    assert_eq!(found.len(), shuffled.len());
    for (at, found) in shuffled.into_iter().zip(found) {
        let found = found.expect("the read works");
        let expected = match at % 5 {
            0 | 1 => Some(format!("value {at}")),
            3 => Some(String::new()),
            _ => None,
        };
        assert_eq!(
            found.as_ref().map(|entry| entry.value().to_vec()),
            expected.map(String::into_bytes),
            "{at}"
        );
        if let Some(entry) = found {
            assert_eq!(entry.key(), keys[at]);
            assert_eq!(entry.ttl(), (at % 5 == 1).then(|| secs(60) - ms(1)));
        }
    }
}

async fn duplicates_collapse_and_the_last_wins(context: Context) {
    let kv = context.kv().await;
    let entries = [("a", "1"), ("b", "2"), ("a", "3"), ("c", "4"), ("b", "5"), ("a", "6")];
    let versions = kv.put_many(entries, None).await.expect("the batch works");
    let versions: Vec<_> = versions.into_iter().map(|version| version.expect("the put works")).collect();
    assert_eq!(versions.len(), 6);
    for (key, value, places) in [("a", "6", &[0, 2, 5][..]), ("b", "5", &[1, 4]), ("c", "4", &[3])] {
        let entry = entry(&kv, key).await;
        assert_eq!(&entry.value()[..], value.as_bytes());
        assert!(places.iter().all(|&place| &versions[place] == entry.version()), "the answers for {key}");
    }
    let found = values(&kv, &["b", "a", "absent", "b", "a", "absent", "b"]).await;
    let expected = [Some("5"), Some("6"), None, Some("5"), Some("6"), None, Some("5")];
    assert_eq!(found, expected.map(|value| value.map(str::to_owned)));
    let deleted = kv.delete_many(["a", "absent", "a", "b"]).await.expect("the batch works");
    assert!(deleted.len() == 4 && deleted.iter().all(Result::is_ok));
    assert_eq!(keys(&kv, "").await, ["c"]);
    // A duplicate is one request's worth.
    let counting = Counting::new();
    let counted = context.handle(counting.over(context.driver().await));
    counted.get_many(vec!["c"; 50]).await.expect("the batch works");
    assert_eq!(counting.largest_batch(), 1);
}

async fn a_bad_item_is_named_before_any_request(context: Context) {
    let counting = Counting::new();
    let kv = context.handle(counting.over(context.driver().await));
    let too_long = "x".repeat(513);
    for bad in ["", &too_long] {
        let keys = ["k0", "k1", "k2", bad, "k4", ""];
        let put = keys.map(|key| (key, "value"));
        for error in [
            kv.get_many(keys).await.map(drop).expect_err("a bad key"),
            kv.put_many(put, None).await.map(drop).expect_err("a bad key"),
            kv.delete_many(keys).await.map(drop).expect_err("a bad key"),
        ] {
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
            assert!(error.to_string().contains("item 3"), "the first bad position is missing: {error}");
        }
    }
    let mut entries: Vec<(String, Vec<u8>)> = numbered(5).into_iter().map(|key| (key, vec![1])).collect();
    entries[3].1 = vec![1; MAX_VALUE_BYTES + 1];
    let error = kv.put_many(entries, None).await.expect_err("a bad value");
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    assert!(error.to_string().contains("item 3"), "the bad position is missing: {error}");
    let latest = LATEST_EXPIRY.to_system_time();
    let moments = [None, Some(latest), Some(latest + ms(1))];
    let entries = moments.map(|until| ("key", "1", until));
    let error = kv.put_many_until(entries).await.expect_err("a bad moment");
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    assert!(error.to_string().contains("item 2"), "the bad position is missing: {error}");
    assert_eq!(counting.total(), 0, "a request was sent");
}

async fn versions_from_a_batch_hold(context: Context) {
    let kv = context.kv().await;
    let keys = numbered(60);
    for ttl in [None, Some(secs(60))] {
        let versions = kv.put_many(keys.iter().map(|key| (key, "1")), ttl).await.expect("the batch works");
        let versions: Vec<_> = versions.into_iter().map(|version| version.expect("the put works")).collect();
        assert_eq!(versions.iter().collect::<HashSet<_>>().len(), keys.len(), "versions are not unique");
        for (key, version) in keys.iter().zip(versions) {
            assert_eq!(entry(&kv, key).await.version(), &version, "{key} has another version");
            crate::support::put(&kv, key, "2", PutOptions::new().if_version(version)).await;
        }
    }
}

async fn a_batch_sets_the_lifetime(context: Context) {
    let kv = context.kv().await;
    let keys = numbered(30);
    for (ttl, left) in [(Some(ms(1_500)), Some(ms(1_500))), (None, None), (Some(ms(3)), Some(ms(3)))] {
        let put = kv.put_many(keys.iter().map(|key| (key, "1")), ttl).await.expect("the batch works");
        assert!(put.iter().all(Result::is_ok));
        for key in &keys {
            assert_eq!(entry(&kv, key).await.ttl(), left);
        }
    }
    context.advance(ms(2));
    assert_eq!(values(&kv, &keys).await, vec![Some("1".to_owned()); 30]);
    context.advance(ms(1));
    assert_eq!(values(&kv, &keys).await, vec![None; 30]);
}

/// What moves entries from one store to another: none lives longer or shorter than it did.
async fn a_batch_keeps_every_moment(context: Context) {
    let kv = context.kv().await;
    let keys = numbered(30);
    let now = context.now().to_system_time();
    let until = |at: usize| (at > 0).then(|| now + ms(at as u64));
    let put = kv.put_many_until(keys.iter().enumerate().map(|(at, key)| (key, "1", until(at))));
    assert!(put.await.expect("the batch works").iter().all(Result::is_ok));
    context.advance(ms(10));
    for (at, key) in keys.iter().enumerate() {
        let found = kv.get_entry(key).await.expect("the read works");
        let is_live = at == 0 || at > 10;
        assert_eq!(found.map(|entry| entry.expires_at()), is_live.then(|| until(at)), "{at}");
    }
    // What has passed by now replaces what was there, and is absent.
    let passed = [(&keys[0], "2", Some(now)), (&keys[1], "2", None)];
    assert!(kv.put_many_until(passed).await.expect("the batch works").iter().all(Result::is_ok));
    assert_eq!(values(&kv, &keys[..2]).await, [None, Some("2".to_owned())]);
    let create = kv.put(&keys[0], "3", PutOptions::new().if_not_exists()).await;
    assert!(create.expect("the put works").is_stored());
}

async fn what_was_left_undone_is_sent_again(context: Context) {
    let keys = numbered(120);
    let expected: Vec<_> = keys.iter().cloned().map(Some).collect();
    for fault in [BatchFault::HalfUndone, BatchFault::FirstUndoneOnce] {
        let posing = Posing::new().batch(fault).ready();
        let kv = context.handle(posing.over(context.driver().await));
        set_many(&kv, &keys).await;
        assert_eq!(values(&context.kv().await, &keys).await, expected);
        assert_eq!(values(&kv, &keys).await, expected);
        for (key, version) in keys.iter().zip(kv.get_many(&keys).await.expect("the batch works")) {
            assert_eq!(version.expect("the read works").expect("it is there").key(), key);
        }
        assert!(kv.delete_many(&keys).await.expect("the batch works").iter().all(Result::is_ok));
        assert_eq!(crate::support::keys(&kv, "").await, Vec::<String>::new());
    }
}

async fn one_position_can_fail_alone(context: Context) {
    let keys = numbered(40);
    set_many(&context.kv().await, &keys).await;
    let error = DriverError::refused(ErrorKind::Unauthorized, "this key is not yours");
    let posing = Posing::new().batch(BatchFault::FailsFor("00017", error)).ready();
    let kv = context.handle(posing.over(context.driver().await));
    let put = kv.put_many(keys.iter().map(|key| (key, "new")), None).await.expect("the batch works");
    let put: Vec<_> = put.into_iter().map(|result| result.map(drop)).collect();
    let found = kv.get_many(&keys).await.expect("the batch works");
    let found: Vec<_> = found.into_iter().map(|result| result.map(drop)).collect();
    for results in [put, found] {
        for (at, result) in results.into_iter().enumerate() {
            match result {
                Ok(()) => assert_ne!(at, 17),
                Err(error) => {
                    assert_eq!(
                        (at, error.kind(), error.key()),
                        (17, ErrorKind::Unauthorized, Some("k00017"))
                    );
                }
            }
        }
    }
    let truth = context.kv().await;
    assert_eq!(text(&truth, "k00017").await.as_deref(), Some("k00017"));
    assert_eq!(text(&truth, "k00018").await.as_deref(), Some("new"));
}

async fn batches_are_cut_by_count_and_bytes(context: Context) {
    let counting = Counting::new();
    let driver = context.driver().await;
    let limits = driver.info().batch;
    let kv = context.handle(counting.over(driver));
    kv.exists("warm").await.expect("exists works");
    let keys = numbered(260);
    counting.reset();
    set_many(&kv, &keys).await;
    assert!(counting.largest_batch() <= limits.writes, "a batch of {} writes", counting.largest_batch());
    assert_eq!(counting.calls(Method::WriteBatch), 260_usize.div_ceil(limits.writes));
    counting.reset();
    kv.get_many(&keys).await.expect("the batch works");
    assert!(counting.largest_batch() <= limits.reads, "a batch of {} reads", counting.largest_batch());
    assert_eq!(counting.calls(Method::GetBatch), 260_usize.div_ceil(limits.reads));
    counting.reset();
    let large = vec![3_u8; MAX_VALUE_BYTES];
    let put =
        kv.put_many(keys.iter().take(100).map(|key| (key, &large)), None).await.expect("the batch works");
    assert!(put.iter().all(Result::is_ok));
    assert!(counting.most_batch_bytes() <= limits.write_bytes, "{} bytes", counting.most_batch_bytes());
    for key in keys.iter().take(100) {
        assert!(entry(&kv, key).await.value() == &large[..]);
    }
}

async fn batches_replace_and_delete_without_conditions(context: Context) {
    let kv = context.kv().await;
    for (key, ttl) in [("live", None), ("expired", Some(ms(1))), ("counter", None)] {
        let mut options = PutOptions::new();
        options.ttl = ttl;
        crate::support::put(&kv, key, "1", options).await;
    }
    kv.increment("counter", 1, None).await.expect("it adds");
    context.advance(ms(1));
    let all = ["live", "expired", "counter", "absent"];
    let put = kv.put_many(all.map(|key| (key, "5")), None).await.expect("the batch works");
    assert!(put.iter().all(Result::is_ok));
    assert_eq!(values(&kv, &all).await, vec![Some("5".to_owned()); 4]);
    assert_eq!(kv.increment("counter", 1, None).await.expect("it adds"), 6);
    for _ in 0..2 {
        assert!(kv.delete_many(all).await.expect("the batch works").iter().all(Result::is_ok));
        assert_eq!(values(&kv, &all).await, vec![None; 4]);
    }
}

async fn a_whole_batch_is_tried_again(context: Context) {
    let scripted = Scripted::new();
    let kv = context.handle(scripted.over(context.driver().await));
    let keys = numbered(30);
    let throttled = || Step::fail(DriverError::refused(ErrorKind::Throttled, "slower"));
    let unreachable = || Step::fail(DriverError::refused(ErrorKind::Unavailable, "not now"));
    scripted.then(Method::WriteBatch, [throttled(), unreachable()]);
    set_many(&kv, &keys).await;
    scripted.then(Method::GetBatch, [throttled(), unreachable()]);
    assert_eq!(values(&kv, &keys).await, keys.iter().cloned().map(Some).collect::<Vec<_>>());
    // For good: every position says so, and only once is it tried.
    scripted.reset();
    scripted.outage(&DriverError::refused(ErrorKind::NotProvisioned, "no such table"));
    let put = kv.put_many([("a", "1"), ("b", "2")], None).await.expect("a batch answers for every position");
    for (result, key) in put.into_iter().zip(["a", "b"]) {
        let error = result.expect_err("no such table");
        assert_eq!((error.kind(), error.key()), (ErrorKind::NotProvisioned, Some(key)));
    }
    assert_eq!(scripted.calls(Method::WriteBatch), 1);
}
