//! The same on every backend: one script, told line by line, and cursors that go on anywhere.

use std::sync::Arc;

use futures_util::future::join_all;
use integration_tests::scenario::play;
use integration_tests::{dynamodb, firestore, tables};
use larder_conformance::emulator;
use larder_core::driver::Driver;
use larder_core::{Entry, Kv, ManualClock, MemoryDriver, PutOptions, ScanOptions, Timestamp};
use larder_sled::{SledDriver, SledOptions};
use tempfile::TempDir;

/// A store of every kind, fresh, with a handle on each.
struct Backends {
    all: Vec<(&'static str, Kv, Arc<ManualClock>)>,
    _dir: TempDir,
}

async fn backends() -> Backends {
    let dir = TempDir::new().expect("a directory");
    let options = SledOptions::new().sweep_interval(None);
    let sled = SledDriver::open(dir.path(), options).await.expect("it opens");
    let dynamodb = dynamodb::Table::create().await.driver(&emulator("dynoxide")).await;
    let firestore = firestore::Collection::create().await.driver(&emulator("hidane")).await;
    let tables = tables::Table::create().await.driver(&emulator("azurite")).await;
    let drivers: [(&str, Arc<dyn Driver>); 6] = [
        ("memory", Arc::new(MemoryDriver::new())),
        ("memory, 16 shards", Arc::new(MemoryDriver::new().shards(16))),
        ("sled", Arc::new(sled)),
        ("dynamodb", Arc::new(dynamodb)),
        ("firestore", Arc::new(firestore)),
        ("tables", Arc::new(tables)),
    ];
    let handle = |(name, driver): (&'static str, Arc<dyn Driver>)| {
        // Later than any reaper that goes by the real time.
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(4_102_444_800_000)));
        let kv = Kv::builder(driver).binding("cache").clock(Arc::clone(&clock) as _).build();
        (name, kv, clock)
    };
    Backends { all: drivers.into_iter().map(handle).collect(), _dir: dir }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_script_tells_the_same_everywhere() {
    for seed in 0..6 {
        let backends = backends().await;
        let told = join_all(backends.all.iter().map(|(_, kv, clock)| play(kv, clock, seed, 250))).await;
        let (first, others) = told.split_first().expect("backends");
        for ((name, ..), lines) in backends.all[1..].iter().zip(others) {
            for (expected, line) in first.iter().zip(lines) {
                assert_eq!(line, expected, "{name}, seed {seed}, beside memory");
            }
            assert_eq!(lines.len(), first.len());
        }
        println!("seed {seed}: {} lines, the same on {} backends", first.len(), told.len());
    }
}

/// Keys of every length of UTF-8, so that orders of UTF-16 or of bytes as signed numbers would show.
fn keys() -> Vec<String> {
    let mut keys: Vec<String> = (0..40).map(|number| format!("user:{number:03}")).collect();
    keys.extend(
        ["é", "日本", "🥫", "\u{ffff}", "~", "Z", "_", "-", "0", "user"].map(|key| format!("{key}:1")),
    );
    keys
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cursor_goes_on_on_any_backend_with_the_same_data() {
    let backends = backends().await;
    for (_, kv, _) in &backends.all {
        for key in keys() {
            kv.put(&key, key.as_str(), PutOptions::new()).await.expect("a put");
        }
    }
    // The order of the canonical forms, on every one of them.
    let (_, memory, _) = &backends.all[0];
    let whole = memory.scan_collect("", 1_000).await.expect("a scan").into_entries().expect("entries");
    let whole: Vec<_> = whole.iter().map(|entry| entry.key().to_owned()).collect();
    let mut turns = 0;
    for start in 0..backends.all.len() {
        // Every page from the next backend, its cursor through text.
        let (mut found, mut cursor, mut at) = (Vec::new(), None::<String>, start);
        loop {
            let (name, kv, _) = &backends.all[at % backends.all.len()];
            let cursor_here = cursor.map(|text| text.parse().expect(name));
            let options = ScanOptions::new().limit(3).cursor(cursor_here);
            let page = kv.scan_page("", options).await.expect(name);
            cursor = page.cursor.as_ref().map(ToString::to_string);
            found.extend(page.into_entries().expect(name).iter().map(Entry::key).map(str::to_owned));
            (at, turns) = (at + 1, turns + 1);
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(found, whole, "beginning on {}", backends.all[start].0);
    }
    println!("{turns} pages, each on another backend than the one before");
}
