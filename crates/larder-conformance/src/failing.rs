//! What a store that cannot be used is held to, whatever the reason: no miss, no hang, one kind of error.

use std::pin::Pin;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use larder_core::{Error, ErrorKind, Kv, PutOptions, Result, ScanOptions, TouchOptions};

/// Longer than the deadlines of handles that are made for this.
const PATIENCE: Duration = Duration::from_secs(5);
/// What tests have for a secret.
const SECRET: &str = "hunter2";

/// Asserts that every operation fails (G3) with this kind, within five seconds, in words with all of `words` in them, and
/// without `hunter2`, which tests have for a secret (E2).
///
/// # Panics
///
/// When one of them does not.
pub async fn every_operation_fails(kv: &Kv, kind: ErrorKind, words: &[&str]) {
    for (operation, error) in join_all(operations(kv)).await {
        let error = error.unwrap_or_else(|| panic!("{operation} works all the same"));
        assert_eq!(error.kind(), kind, "{operation}: {error}");
        for word in words {
            assert!(error.to_string().contains(word), "{operation}: {word:?} is not in {error}");
        }
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains(SECRET), "{operation}: {shown}");
    }
}

type Ended<'a> = Pin<Box<dyn Future<Output = (&'static str, Option<Error>)> + Send + 'a>>;

fn operations(kv: &Kv) -> Vec<Ended<'_>> {
    fn ended<'a, T>(name: &'static str, work: impl Future<Output = Result<T>> + Send + 'a) -> Ended<'a> {
        Box::pin(async move {
            let started = Instant::now();
            let error = work.await.err();
            assert!(started.elapsed() < PATIENCE, "{name} took {:?}", started.elapsed());
            (name, error)
        })
    }
    let create = PutOptions::new().if_not_exists();
    vec![
        ended("get", kv.get("key")),
        ended("exists", kv.exists("key")),
        ended("put", kv.put("key", "value", PutOptions::new())),
        ended("put if absent", kv.put("key", "value", create)),
        ended("touch", kv.touch("key", TouchOptions::persist())),
        ended("increment", kv.increment("key", 1, None)),
        ended("delete", kv.delete("key")),
        ended("scan", kv.scan_page("", ScanOptions::new())),
        ended("get_many", async { kv.get_many(["key"]).await?.remove(0) }),
        ended("put_many", async { kv.put_many([("key", "value")], None).await?.remove(0) }),
        ended("delete_many", async { kv.delete_many(["key"]).await?.remove(0) }),
        ended("sweep", kv.sweep()),
        ended("check", kv.check()),
    ]
}
