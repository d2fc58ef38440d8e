//! Opening bindings, on real embedded stores.

mod support;

use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use larder::{Bindings, Context, ErrorKind, Kv, ManualClock, PutOptions, RetryPolicy, ScanOptions};
use tempfile::TempDir;
use tokio::runtime::Builder;
use tokio::task::{JoinSet, spawn_blocking};

use support::refusal;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

fn from_env(variables: &[(&str, String)]) -> Bindings {
    Bindings::from_env().with_environment(variables.iter().map(|(name, value)| (*name, value)).collect())
}

fn url(dir: &Path, query: &str) -> String {
    format!("local-kv://{}{query}", dir.display())
}

async fn put(kv: &Kv, key: &str, value: &str) {
    assert!(kv.put(key, value, PutOptions::new()).await.expect("a put").is_stored());
}

async fn get(kv: &Kv, key: &str) -> Option<String> {
    kv.get_text(key).await.expect("a read")
}

#[tokio::test]
async fn a_service_loads_its_binding_by_id() {
    let folder = folder();
    let json = format!(r#"{{"service":"local-kv","dataDir":{:?}}}"#, folder.path());
    let ctx = Context::new(from_env(&[("LARDER_SESSION_CACHE_BINDING", json)]));
    let value = String::from("Alice");

    let cache = ctx.bindings().load_kv("session-cache").await.expect("a handle");
    cache.put("user:123", value.as_bytes(), PutOptions::default()).await.expect("a put");
    let data = cache.get("user:123").await.expect("a read");

    assert_eq!(data.as_deref(), Some(value.as_bytes()));
    assert!(cache.describe().starts_with("sled at "), "{}", cache.describe());
}

#[tokio::test]
async fn errors_of_a_handle_name_its_binding() {
    let folder = folder();
    let kv = Bindings::local(folder.path()).load_kv("cache").await.expect("a handle");
    let error = kv.put("", "v", PutOptions::new()).await.expect_err("an empty key");
    assert_eq!(error.binding(), Some("cache"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn handles_that_are_loaded_at_once_share_one_store() {
    let folder = folder();
    let bindings = from_env(&[("LARDER_CACHE_BINDING", url(folder.path(), ""))]);
    let mut loads = JoinSet::new();
    for n in 0..16 {
        let bindings = bindings.clone();
        loads.spawn(async move {
            let kv = bindings.load_kv("cache").await.expect("a handle");
            put(&kv, &format!("key:{n:02}"), "v").await;
            kv
        });
    }
    for kv in loads.join_all().await {
        assert_eq!(kv.scan_keys_collect("", 100).await.expect("a scan").items.len(), 16);
    }
}

#[tokio::test]
async fn a_failed_load_is_tried_again() {
    let folder = folder();
    let dir = folder.path().join("store");
    std::fs::write(&dir, "in the way").expect("a file");
    let bindings = from_env(&[("LARDER_CACHE_BINDING", url(&dir, ""))]);
    let error = bindings.load_kv("cache").await.expect_err("it is a file");
    assert_eq!(error.kind(), ErrorKind::NotProvisioned, "{error}");
    assert_eq!(error.binding(), Some("cache"));

    std::fs::remove_file(&dir).expect("the file");
    put(&bindings.load_kv("cache").await.expect("a handle"), "k", "v").await;
}

#[tokio::test]
async fn a_file_is_read_again_until_its_binding_is_well() {
    let folder = folder();
    let path = folder.path().join("bindings.json");
    let bindings = Bindings::from_file(&path);
    assert!(bindings.load_kv("cache").await.is_err());
    let text = format!(r#"{{"cache":{:?}}}"#, url(&folder.path().join("store"), ""));
    std::fs::write(&path, text).expect("a file");
    put(&bindings.load_kv("cache").await.expect("a handle"), "k", "v").await;

    // Once it is open, the file is not asked any more.
    std::fs::remove_file(&path).expect("the file");
    let again = bindings.load_kv("cache").await.expect("a handle");
    assert_eq!(get(&again, "k").await.as_deref(), Some("v"));
}

#[tokio::test]
async fn bindings_on_one_directory_share_its_store() {
    let folder = folder();
    let bindings = from_env(&[
        ("LARDER_ALL_BINDING", url(folder.path(), "")),
        ("LARDER_SAME_BINDING", url(&folder.path().join("."), "")),
        ("LARDER_APP_BINDING", url(folder.path(), "?keyPrefix=app")),
        ("LARDER_OTHER_BINDING", url(folder.path(), "?keyPrefix=other:")),
    ]);
    let all = bindings.load_kv("all").await.expect("a handle");
    let same = bindings.load_kv("same").await.expect("a handle");
    let app = bindings.load_kv("app").await.expect("a handle");
    let other = bindings.load_kv("other").await.expect("a handle");

    put(&app, "k", "of the app").await;
    put(&other, "k", "of the other").await;
    assert_eq!(get(&app, "k").await.as_deref(), Some("of the app"));
    assert_eq!(get(&all, "app:k").await.as_deref(), Some("of the app"));
    assert_eq!(get(&same, "other:k").await.as_deref(), Some("of the other"));
    assert_eq!(get(&app, "other:k").await, None);
    let keys = app.scan_keys_collect("", 10).await.expect("a scan").into_entries().expect("entries");
    assert_eq!(keys.iter().map(larder::EntryInfo::key).collect::<Vec<_>>(), ["k"]);
}

#[tokio::test]
async fn one_directory_has_one_durability() {
    let folder = folder();
    let bindings = from_env(&[
        ("LARDER_A_BINDING", url(folder.path(), "?durability=flush")),
        ("LARDER_B_BINDING", url(folder.path(), "?durability=interval")),
    ]);
    let _a = bindings.load_kv("a").await.expect("a handle");
    refusal(bindings.load_kv("b").await.map(drop), "b");
}

#[tokio::test]
async fn the_relaxed_durability_works() {
    let folder = folder();
    let bindings = from_env(&[("LARDER_A_BINDING", url(folder.path(), "?durability=interval"))]);
    let kv = bindings.load_kv("a").await.expect("a handle");
    put(&kv, "k", "v").await;
    assert_eq!(get(&kv, "k").await.as_deref(), Some("v"));
}

#[tokio::test]
async fn ids_of_a_local_directory_are_apart_and_stay() {
    let folder = folder();
    {
        let bindings = Bindings::local(folder.path());
        let (a, b) = (bindings.load_kv("a").await.expect("a"), bindings.load_kv("b").await.expect("b"));
        put(&a, "k", "of a").await;
        assert_eq!(get(&b, "k").await, None);
        put(&b, "k", "of b").await;
    }
    let bindings = Bindings::local(folder.path());
    let (a, b) = (bindings.load_kv("a").await.expect("a"), bindings.load_kv("b").await.expect("b"));
    assert_eq!(get(&a, "k").await.as_deref(), Some("of a"));
    assert_eq!(get(&b, "k").await.as_deref(), Some("of b"));
}

#[tokio::test]
async fn ids_that_meet_in_one_variable_are_refused() {
    let folder = folder();
    let shared = from_env(&[("LARDER_A_B_BINDING", url(folder.path(), ""))]);
    for bindings in [shared, Bindings::local(folder.path())] {
        let first = bindings.load_kv("a-b").await.expect("a handle");
        for id in ["a_b", "A-B"] {
            let message = refusal(bindings.load_kv(id).await.map(drop), id);
            let expected =
                format!("{id:?} and \"a-b\" would both be found in LARDER_A_B_BINDING; rename one of them");
            assert_eq!(message, expected);
        }
        put(&first, "k", "v").await;
        assert!(bindings.load_kv("a-b").await.is_ok());
    }
}

#[tokio::test]
async fn an_id_without_a_binding_takes_no_variable() {
    let folder = folder();
    let path = folder.path().join("bindings.json");
    std::fs::write(&path, format!(r#"{{"a_b":{:?}}}"#, url(&folder.path().join("store"), "")))
        .expect("a file");
    let bindings = Bindings::from_file(&path);
    refusal(bindings.load_kv("a-b").await.map(drop), "a-b");
    assert!(bindings.load_kv("a_b").await.is_ok());
}

#[tokio::test]
async fn the_clock_is_for_all_handles() {
    let folder = folder();
    let clock = Arc::new(ManualClock::default());
    let bindings = Bindings::local(folder.path()).with_clock(clock.clone());
    let (a, b) = (bindings.load_kv("a").await.expect("a"), bindings.load_kv("b").await.expect("b"));
    let minute = Duration::from_secs(60);
    for kv in [&a, &b] {
        kv.put("k", "v", PutOptions::new().ttl(minute)).await.expect("a put");
        assert!(kv.exists("k").await.expect("a read"));
    }
    clock.advance(minute);
    for kv in [&a, &b] {
        assert!(!kv.exists("k").await.expect("a read"));
    }
}

#[tokio::test]
async fn a_closed_id_is_opened_anew() {
    let folder = folder();
    let bindings = from_env(&[("LARDER_CACHE_BINDING", url(folder.path(), ""))]);
    put(&bindings.load_kv("cache").await.expect("a handle"), "k", "v").await;

    // While the store is open, it cannot be opened with another durability.
    let relaxed = from_env(&[("LARDER_CACHE_BINDING", url(folder.path(), "?durability=interval"))]);
    refusal(relaxed.load_kv("cache").await.map(drop), "cache");
    bindings.close("cache");
    assert!(relaxed.load_kv("cache").await.expect("it was closed").exists("k").await.expect("a read"));
    relaxed.close("cache");
    assert!(bindings.load_kv("cache").await.expect("opened anew").exists("k").await.expect("a read"));
}

#[tokio::test]
async fn another_clock_means_other_handles() {
    let folder = folder();
    let (early, late) = (Arc::new(ManualClock::default()), Arc::new(ManualClock::default()));
    late.advance(Duration::from_secs(60));
    let bindings = Bindings::local(folder.path()).with_clock(early);
    let kv = bindings.load_kv("a").await.expect("a handle");
    kv.put("k", "v", PutOptions::new().ttl(Duration::from_secs(60))).await.expect("a put");
    let later = bindings.clone().with_clock(late).load_kv("a").await.expect("a handle");
    assert!(kv.exists("k").await.expect("a read") && !later.exists("k").await.expect("a read"));
}

#[test]
fn the_limits_of_attempts_are_for_all_handles() {
    let folder = folder();
    let mut policy = RetryPolicy::default();
    policy.attempt_timeout = Duration::from_millis(10);
    policy.deadline = Duration::from_millis(20);
    // A long scan runs on a blocking thread, and the only one is kept busy until the end of the test.
    let runtime =
        Builder::new_current_thread().enable_all().max_blocking_threads(1).build().expect("a runtime");
    let (release, released) = mpsc::channel::<()>();
    runtime.block_on(async {
        let bindings = Bindings::local(folder.path());
        let patient = bindings.load_kv("a").await.expect("a handle");
        let entries = (0..1_000).map(|number| (number.to_string(), ""));
        assert!(patient.put_many(entries, None).await.expect("puts").iter().all(Result::is_ok));
        let kv = bindings.with_retry(policy).load_kv("a").await.expect("a handle");
        assert!(kv.exists("1").await.expect("a read"));
        let busy = spawn_blocking(move || released.recv().is_err());
        let started = Instant::now();
        let whole = ScanOptions::new().limit(1_000);
        let error = kv.scan_page("", whole).await.expect_err("no thread for it");
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        let default = RetryPolicy::default().attempt_timeout;
        assert!(started.elapsed() < default, "{:?}", started.elapsed());
        drop(release);
        assert!(busy.await.expect("the thread"));
    });
}

#[tokio::test]
async fn one_malformed_binding_does_not_keep_others_from_loading() {
    let folder = folder();
    let bindings = from_env(&[
        ("LARDER_BROKEN_BINDING", r#"{"apiKey":"hunter2"#.to_owned()),
        ("LARDER_CACHE_BINDING", url(folder.path(), "")),
    ]);
    refusal(bindings.load_kv("broken").await.map(drop), "broken");
    put(&bindings.load_kv("cache").await.expect("a handle"), "k", "v").await;
    assert!(format!("{bindings:?}").contains(r#"loaded: ["cache"]"#), "{bindings:?}");
}

#[tokio::test]
async fn loading_can_be_spawned() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let folder = folder();
    let bindings = Bindings::local(folder.path());
    is_send(bindings.load_kv("cache")).await.expect("a handle");
    is_send(Context::from_env());
}
