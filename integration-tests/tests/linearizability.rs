//! What concurrent programs see of a store is explained by doing their operations one after the other (G1, P1 to P4,
//! C1).
//!
//! A backend is checked by [`check_backend`], which needs nothing but a way to make a store and to open drivers on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use integration_tests::linear::{Figures, Kind, Losses, Passing, Plan, play_by};
use integration_tests::{gateway, tables};
use larder_conformance::emulator;
use larder_core::driver::Driver;
use larder_core::{ManualClock, MemoryDriver};
use larder_dynamodb::testing::create_table;
use larder_dynamodb::{Credentials, DynamoDbDriver, DynamoDbOptions};
use larder_firestore::{FirestoreDriver, FirestoreOptions};
use larder_sled::{SledDriver, SledOptions};
use tempfile::tempdir;

/// Plays every plan on a store of its own, and has two checkers judge what happened.
///
/// `store` makes an empty store and returns what opens drivers on it, each as another process would.
async fn check_backend<Open>(name: &str, store: impl AsyncFn() -> Open, rounds: usize)
where
    Open: AsyncFn() -> Arc<dyn Driver>,
{
    check_backend_by(name, async |_| store().await, rounds).await;
}

/// The same of a backend that has to go by the clock of its handles.
async fn check_backend_by<Open>(name: &str, store: impl AsyncFn(Arc<ManualClock>) -> Open, rounds: usize)
where
    Open: AsyncFn() -> Arc<dyn Driver>,
{
    for (what, plan) in plans(rounds) {
        let began = Instant::now();
        let clock = Arc::new(ManualClock::default());
        let record = play_by(&plan, Arc::clone(&clock), store(clock).await).await;
        let played = began.elapsed();
        let figures = Figures::of(record);
        println!("{name}, {what}: {figures}; {played:.1?} to play, {:.1?} in all", began.elapsed());
        assert!(figures.contradictory.is_empty(), "{name}, {what}: {:#?}", figures.contradictory);
        assert!(figures.rejected.is_empty(), "{name}, {what}: {:#?}", figures.rejected);
        assert!(figures.all_accepted(), "{name}, {what}: {:#?}", figures.undecided);
        assert!(figures.overlapping * 2 > figures.operations, "{name}, {what}: hardly anything overlaps");
        let is_lossy = plan.losses.before + plan.losses.after + plan.losses.dropped > 0;
        assert_eq!(
            figures.open > 0,
            is_lossy,
            "{name}, {what}: an operation is open if and only if replies are lost"
        );
    }
}

fn plans(rounds: usize) -> Vec<(&'static str, Plan)> {
    let plan = Plan { rounds, ..Plan::default() };
    let one_key = |kind| Plan { kinds: vec![kind], rounds: rounds.div_ceil(3), ..plan.clone() };
    let lossy = Losses { before: 40, after: 40, dropped: 0 };
    vec![
        ("one register", one_key(Kind::Register)),
        ("one counter", one_key(Kind::Counter)),
        ("three keys", plan.clone()),
        ("lost replies", Plan { losses: lossy, seed: 2, ..plan.clone() }),
        (
            "lost replies, time passes",
            Plan { losses: lossy, passing: Passing::Jumps, seed: 3, ..plan.clone() },
        ),
        ("dropped futures", Plan { losses: Losses { dropped: 60, ..lossy }, seed: 4, ..plan }),
    ]
}

async fn memory(shards: u16) {
    let store = async || {
        let store = MemoryDriver::new().shards(shards);
        async move || Arc::new(store.clone()) as Arc<dyn Driver>
    };
    check_backend(&format!("memory/{shards}"), store, 30).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_one_shard() {
    memory(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_four_shards() {
    memory(4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sled() {
    let store = async || {
        let dir = tempdir().expect("a directory");
        async move || {
            let options = SledOptions::new().sweep_interval(None);
            Arc::new(SledDriver::open(dir.path(), options).await.expect("it opens")) as Arc<dyn Driver>
        }
    };
    check_backend("sled", store, 24).await;
}

async fn dynamodb(server: &str, shards: u16, rounds: usize) {
    let store = async || {
        static TABLES: AtomicU32 = AtomicU32::new(0);
        let number = TABLES.fetch_add(1, Ordering::Relaxed);
        let table = format!("linearizability-{}-{number}", std::process::id());
        let keys = Credentials::Keys { id: "test".into(), secret: "test".into(), session_token: None };
        let options = DynamoDbOptions::new(table, "eu-central-1")
            .endpoint_url(emulator(server))
            .credentials(keys)
            .shards(shards);
        let open = async |options| DynamoDbDriver::open(options).await.expect("the options are right");
        create_table(&open(options.clone()).await).await.expect("the table is made");
        async move || Arc::new(open(options.clone()).await) as Arc<dyn Driver>
    };
    check_backend(&format!("dynamodb on {server}, {shards} shards"), store, rounds).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dynamodb_on_dynoxide() {
    dynamodb("dynoxide", 4, 12).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dynamodb_on_ministack() {
    dynamodb("ministack", 1, 8).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn firestore_on_hidane() {
    let store = async || {
        static COLLECTIONS: AtomicU32 = AtomicU32::new(0);
        let number = COLLECTIONS.fetch_add(1, Ordering::Relaxed);
        let name = format!("linearizability-{}-{number}", std::process::id());
        let options = FirestoreOptions::new("larder-tests", name.clone()).database(name);
        let options = options.endpoint_url(emulator("hidane"));
        async move || {
            let driver = FirestoreDriver::open(options.clone()).await;
            Arc::new(driver.expect("the options are right")) as Arc<dyn Driver>
        }
    };
    check_backend("firestore on hidane", store, 12).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_on_azurite() {
    let store = async || {
        let table = tables::Table::create_with(4).await;
        async move || Arc::new(table.driver(&emulator("azurite")).await) as Arc<dyn Driver>
    };
    check_backend("tables on azurite, 4 shards", store, 8).await;
}

/// Each driver has connections of its own, as another process would.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_over_memory() {
    let store = async |clock| {
        let served = gateway::Served::over(MemoryDriver::new().shards(4), clock).await;
        async move || Arc::new(served.driver(served.url())) as Arc<dyn Driver>
    };
    check_backend_by("gateway over memory/4", store, 12).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_over_sled() {
    let store = async |clock| {
        let dir = tempdir().expect("a directory");
        let options = SledOptions::new().sweep_interval(None);
        let driver = SledDriver::open(dir.path(), options).await.expect("it opens");
        let served = gateway::Served::over(driver, clock).await;
        async move || {
            assert!(dir.path().exists());
            Arc::new(served.driver(served.url())) as Arc<dyn Driver>
        }
    };
    check_backend_by("gateway over sled", store, 12).await;
}
