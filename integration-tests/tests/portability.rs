//! The same on every backend: one script, told line by line, and cursors that go on anywhere.

#[path = "../../crates/larder-dynamodb/tests/support/harness.rs"]
mod dynamodb_harness;
#[path = "../../crates/larder-firestore/tests/support/harness.rs"]
mod firestore_harness;
#[path = "../../crates/larder-remote/tests/support/mod.rs"]
mod gateway;
#[path = "../../crates/larder-sled/tests/support/harness.rs"]
mod sled_harness;
#[path = "../../crates/larder-tables/tests/support/harness.rs"]
mod tables_harness;

use std::collections::HashSet;
use std::time::Duration;

use futures_util::future::join_all;
use gateway::harness::{Behind, Remote};
use integration_tests::scenario::play;
use larder_conformance::{Context, Harness, MemoryHarness};
use larder_core::{Entry, EntryInfo, Error, ErrorKind, Kv, Page, PutOptions, Result, ScanOptions};
use larder_sled::Durability;

const HOUR: Duration = Duration::from_secs(3_600);

/// A fresh store of every kind, that of memory first.
async fn backends() -> Vec<(String, Context)> {
    let harnesses: [Box<dyn Harness>; 8] = [
        Box::new(MemoryHarness::new(1)),
        Box::new(MemoryHarness::new(16)),
        Box::new(sled_harness::SledHarness { name: "sled", durability: Durability::Flush }),
        Box::new(dynamodb_harness::Server { name: "dynoxide", shards: 16 }),
        Box::new(firestore_harness::Server),
        Box::new(tables_harness::Server { name: "azurite", shards: 16 }),
        Box::new(Remote { name: "gateway over memory", behind: Behind::Memory { shards: 4 } }),
        Box::new(Remote { name: "gateway over sled", behind: Behind::Sled }),
    ];
    let backends = harnesses.iter().map(|harness| async {
        (harness.name().to_owned(), Context::new(harness.create().await, harness.model(), "portability"))
    });
    join_all(backends).await
}

/// What the script is for, in its own words: the outcomes, not the attempts.
const HAPPENED: [&str; 14] = [
    "corrupt (key",
    "streamed: [",
    "Keys of",
    "sweep: done",
    "\"user:in:\", put",
    " if absent: stored",
    " if absent: refused, ",
    " if version: stored",
    " if version: refused, ",
    " if version: deleted",
    ": touched",
    ": absent",
    ": [stored, ",
    ": true",
];

/// Whether a line tells of a get and the value that it found.
fn has_read(line: &str) -> bool {
    line.contains(", get ") && line.contains(": Some(b\"")
}

/// Whether a line tells of an increment and the number that came of it.
fn has_counted(line: &str) -> bool {
    let number = line.rsplit_once(": ").map(|(_, told)| told.parse::<i64>());
    line.contains(", increment ") && matches!(number, Some(Ok(_)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_script_tells_the_same_everywhere() {
    for seed in 0..5 {
        let backends = backends().await;
        let told = join_all(backends.iter().map(|(_, context)| play(context, seed, 300))).await;
        let (first, others) = told.split_first().expect("backends");
        for ((name, ..), lines) in backends[1..].iter().zip(others) {
            for (expected, line) in first.iter().zip(lines) {
                assert_eq!(line, expected, "{name}, seed {seed}, beside memory");
            }
            assert_eq!(lines.len(), first.len());
        }
        // What the script is for has happened in it.
        for what in HAPPENED {
            assert!(first.iter().any(|line| line.contains(what)), "seed {seed} has no {what:?}");
        }
        assert!(first.iter().any(|line| has_counted(line)), "seed {seed} has counted nothing");
        assert!(first.iter().any(|line| has_read(line)), "seed {seed} has read nothing");
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

/// A row that cannot be decoded, at the beginning, in the middle, and at the end of a page of three.
const SPOILT: [&str; 3] = ["user:003", "user:017", "user:031"];

/// The same in every store: entries, rows that have expired, and such as something else wrote.
async fn fill(name: &str, context: &Context) -> Kv {
    let kv = context.kv().await;
    for key in keys() {
        kv.put(&key, key.as_str(), PutOptions::new()).await.expect(name);
    }
    for key in ["user:009", "user:010", "user:011", "user:012"] {
        kv.put(key, "", PutOptions::new().ttl(HOUR)).await.expect(name);
    }
    for key in SPOILT {
        context.store().corrupt(&context.row(key).await).await;
    }
    context.advance(HOUR);
    kv
}

/// What a scan reads, and how.
#[derive(Clone, Copy, Debug)]
enum Scan {
    All,
    AllKeys,
    Prefix,
    Namespace,
}

impl Scan {
    /// One page: the keys of its items, and the text of its cursor.
    async fn page(self, kv: &Kv, limit: usize, cursor: Option<String>) -> (Vec<String>, Option<String>) {
        let cursor = cursor.map(|text| text.parse().expect("a cursor"));
        let options = ScanOptions::new().limit(limit).cursor(cursor);
        let page = match self {
            Self::All => kv.scan_page("", options).await,
            Self::AllKeys => return shown(kv.scan_keys_page("", options).await, EntryInfo::key),
            Self::Prefix => kv.scan_page("user:0", options).await,
            Self::Namespace => kv.with_prefix("user").expect("an id").scan_page("0", options).await,
        };
        shown(page, Entry::key)
    }
}

fn shown<T>(page: Result<Page<T>>, key: fn(&T) -> &str) -> (Vec<String>, Option<String>) {
    let page = page.expect("a page");
    let keys = page.items.iter().map(|item| item_key(item.as_ref().map(key)));
    (keys.collect(), page.cursor.as_ref().map(ToString::to_string))
}

/// The key that an item is about, be it an entry or an error in its place.
fn item_key(item: std::result::Result<&str, &Error>) -> String {
    item.map(str::to_owned).unwrap_or_else(|error| {
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        format!("corrupt {}", error.key().expect("a key"))
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cursor_goes_on_on_any_backend_with_the_same_data() {
    let backends = backends().await;
    let stores = join_all(backends.iter().map(|(name, context)| fill(name, context))).await;
    let (mut turns, mut pairs) = (0, HashSet::new());
    for scan in [Scan::All, Scan::AllKeys, Scan::Prefix, Scan::Namespace] {
        // The order of the canonical forms, on every one of them.
        let (whole, end) = scan.page(&stores[0], 1_000, None).await;
        assert_eq!(end, None);
        assert_eq!(whole.iter().filter(|key| key.starts_with("corrupt ")).count(), SPOILT.len(), "{scan:?}");
        for (start, (first, _)) in backends.iter().enumerate() {
            // Every page from another backend, one or more places on, its cursor through text.
            let (mut found, mut cursor, mut at) = (Vec::new(), None::<String>, start);
            loop {
                let step = 1 + turns % (stores.len() - 1);
                let (keys, next) = scan.page(&stores[at % stores.len()], 3, cursor).await;
                found.extend(keys);
                (cursor, turns) = (next, turns + 1);
                if cursor.is_none() {
                    break;
                }
                pairs.insert((at % stores.len(), (at + step) % stores.len()));
                at += step;
            }
            assert_eq!(found, whole, "{scan:?} beginning on {first}");
        }
    }
    // From each to each other.
    assert_eq!(pairs.len(), stores.len() * (stores.len() - 1));
    println!("{turns} pages, each on another backend than the one before");
}
