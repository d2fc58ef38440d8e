//! What many cases need.

use std::error::Error as _;
use std::time::Duration;

use futures_util::TryStreamExt;
use larder_core::{Entry, Error, Kv, PutOptions, Value, Version};

/// Milliseconds.
pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Seconds.
pub(crate) const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// A key's canonical form, by the letter of K1 and without the crate under test.
pub(crate) fn canonical(key: &str) -> String {
    let form = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b':' | b'.' => char::from(byte).to_string(),
        other => format!("~{other:02X}"),
    };
    key.bytes().map(form).collect()
}

/// Sorts keys as K2 says.
pub(crate) fn sorted(keys: impl IntoIterator<Item = impl Into<String>>) -> Vec<String> {
    let mut keys: Vec<String> = keys.into_iter().map(Into::into).collect();
    keys.sort_by_cached_key(|key| canonical(key));
    keys
}

/// Puts a value that stays, and returns its version.
pub(crate) async fn set(kv: &Kv, key: &str, value: impl Into<Value>) -> Version {
    put(kv, key, value, PutOptions::new()).await
}

/// Puts a value with a TTL, and returns its version.
pub(crate) async fn set_for(kv: &Kv, key: &str, value: impl Into<Value>, ttl: Duration) -> Version {
    put(kv, key, value, PutOptions::new().ttl(ttl)).await
}

/// Puts a value that must be stored, and returns its version.
pub(crate) async fn put(kv: &Kv, key: &str, value: impl Into<Value>, options: PutOptions) -> Version {
    let outcome = kv.put(key, value, options).await.expect("the put works");
    outcome.into_version().expect("the put is stored")
}

/// Opens a store by a handle whose limits are so short that a slow server may need more than one attempt.
pub(crate) async fn open_patiently(kv: &Kv) {
    for _ in 0..100 {
        if kv.exists("warm").await.is_ok() {
            return;
        }
        next_turn().await;
    }
    panic!("the store cannot be opened");
}

/// Lets other tasks go on; a loop that a broken driver could keep going for ever can be stopped here.
pub(crate) async fn next_turn() {
    tokio::task::yield_now().await;
}

/// The entry of a key, which must be there.
pub(crate) async fn entry(kv: &Kv, key: &str) -> Entry {
    kv.get_entry(key).await.expect("the read works").expect("the entry is there")
}

/// The value of a key as text.
pub(crate) async fn text(kv: &Kv, key: &str) -> Option<String> {
    kv.get_text(key).await.expect("the read works")
}

/// The keys under a prefix, in the order of a scan.
pub(crate) async fn keys(kv: &Kv, prefix: &str) -> Vec<String> {
    let infos: Vec<_> = kv.scan_keys(prefix).try_collect().await.expect("the scan works");
    infos.into_iter().map(larder_core::EntryInfo::into_key).collect()
}

/// Puts many values that stay, each under its key as its value.
pub(crate) async fn set_many(kv: &Kv, keys: &[String]) {
    let results = kv.put_many(keys.iter().map(|key| (key, key)), None).await.expect("the batch works");
    for result in results {
        result.expect("the put works");
    }
}

/// All that an error shows: its line, its `Debug`, and the same of its causes.
pub(crate) fn shown(error: &Error) -> String {
    let mut shown = format!("{error}\n{error:?}\n{error:#?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        shown.push_str(&format!("\n{error}\n{error:?}"));
        cause = error.source();
    }
    shown
}
