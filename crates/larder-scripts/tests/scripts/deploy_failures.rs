//! What deployments leave in the store that come to nothing.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use larder_conformance::wrap::{Call, Hook, Verdict};
use larder_core::driver::{Driver, DriverError};
use larder_core::{ErrorKind, Kv, MAX_VALUE_BYTES, MemoryDriver, PutOptions};
use larder_scripts::{Deployment, Expected, ScriptStore, VersionId};

/// What happens to the records and the pieces of scripts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Trouble {
    None,
    /// Somebody else writes the record before each write of it.
    Contention,
    /// Somebody else goes back before the first write of the record.
    Rival,
    /// The record cannot be written.
    RecordRefused,
    /// The record is written, and nobody learns it.
    RecordLost,
    /// Only so many pieces can be written.
    PiecesRefused(usize),
}

/// Makes trouble.
#[derive(Debug)]
struct Troubled {
    trouble: Mutex<Trouble>,
    pieces: AtomicUsize,
    /// A handle on the same store, of somebody else.
    other: Kv,
}

fn refused() -> DriverError {
    DriverError::refused(ErrorKind::Unauthorized, "the test wants it")
}

#[async_trait]
impl Hook for Troubled {
    async fn before(&self, call: Call<'_>, _: &dyn Driver) -> Verdict {
        let (row, is_write) = match call {
            Call::Write(row, ..) => (row, true),
            Call::Get(row, _) => (row, false),
            _ => return Verdict::Pass,
        };
        let key = String::from_utf8_lossy(row.key.as_bytes()).into_owned();
        let (is_record, is_piece) = (key.starts_with("!scripts"), key.starts_with("!script-sources"));
        let trouble = *self.trouble.lock().expect("no panic");
        match trouble {
            Trouble::Contention if is_record && is_write => {
                let records = self.other.system("scripts").expect("a part");
                let record = records.get("s").await.expect("a get").expect("a record");
                records.put("s", record, PutOptions::new()).await.expect("a put");
                Verdict::Pass
            }
            Trouble::Rival if is_record && is_write => {
                *self.trouble.lock().expect("no panic") = Trouble::None;
                let rival = ScriptStore::new(&self.other, None).expect("a store");
                let back = rival.rollback("s", None, Expected::Any).await.expect("an answer");
                assert!(matches!(back, Deployment::Done(_)), "{back:?}");
                Verdict::Pass
            }
            Trouble::RecordRefused if is_record && is_write => Verdict::Fail(refused()),
            Trouble::RecordLost if is_record && is_write => {
                Verdict::LoseReply(DriverError::unknown(ErrorKind::Timeout, "the test wants it").permanent())
            }
            // Who asks what became of it learns nothing either, once it was written.
            Trouble::RecordLost if is_record && self.pieces.load(Ordering::Relaxed) > 0 => {
                Verdict::Fail(refused())
            }
            Trouble::PiecesRefused(most) if is_piece && is_write => {
                match self.pieces.fetch_add(1, Ordering::Relaxed) {
                    written if written == most => Verdict::Fail(refused()),
                    _ => Verdict::Pass,
                }
            }
            Trouble::RecordLost if is_piece && is_write => {
                self.pieces.fetch_add(1, Ordering::Relaxed);
                Verdict::Pass
            }
            _ => Verdict::Pass,
        }
    }
}

/// A store with the version "old" of the script "s", and trouble to be made.
struct Store {
    hook: Arc<Troubled>,
    scripts: ScriptStore,
}

impl Store {
    async fn new() -> Self {
        let memory = Arc::new(MemoryDriver::new());
        let other = Kv::new(Arc::clone(&memory));
        let hook =
            Arc::new(Troubled { trouble: Mutex::new(Trouble::None), pieces: AtomicUsize::new(0), other });
        let scripts = ScriptStore::new(&Kv::new(hook.over(memory)), None).expect("a store");
        scripts.deploy("s", "old", Expected::Any).await.expect("it is deployed");
        Self { hook, scripts }
    }

    fn make(&self, trouble: Trouble) {
        self.hook.pieces.store(0, Ordering::Relaxed);
        *self.hook.trouble.lock().expect("no panic") = trouble;
    }

    async fn pieces(&self) -> usize {
        let pieces = self.hook.other.system("script-sources").expect("a part");
        pieces.scan_keys_collect("", 1_000).await.expect("a scan").items.len()
    }

    async fn active(&self) -> VersionId {
        let script = self.scripts.load("s", None).await.expect("an answer").expect("it is there");
        script.version().parse().expect("a version")
    }
}

/// A source that takes this many pieces.
fn of_pieces(count: usize) -> String {
    "x".repeat((count - 1) * MAX_VALUE_BYTES + 1)
}

#[tokio::test]
async fn what_comes_to_nothing_leaves_nothing() {
    for (trouble, kind) in [
        (Trouble::Contention, ErrorKind::Unavailable),
        (Trouble::RecordRefused, ErrorKind::Unauthorized),
        (Trouble::PiecesRefused(0), ErrorKind::Unauthorized),
        (Trouble::PiecesRefused(2), ErrorKind::Unauthorized),
    ] {
        let store = Store::new().await;
        store.make(trouble);
        let error = store.scripts.deploy("s", &of_pieces(3), Expected::Any).await.expect_err("trouble");
        assert_eq!(error.kind(), kind, "{trouble:?}: {error}");
        assert_eq!(store.pieces().await, 1, "{trouble:?}: those of the old version");
        store.make(Trouble::None);
        assert_eq!(store.active().await, VersionId::of("old"), "{trouble:?}");
        let deployed = store.scripts.deploy("s", &of_pieces(3), Expected::Any).await.expect("an answer");
        assert!(matches!(deployed, Deployment::Done(_)), "{trouble:?}: {deployed:?}");
        assert_eq!(store.pieces().await, 4, "{trouble:?}");
    }
}

#[tokio::test]
async fn what_may_have_been_deployed_keeps_its_pieces() {
    let store = Store::new().await;
    store.make(Trouble::RecordLost);
    let source = of_pieces(3);
    let error = store.scripts.deploy("s", &source, Expected::Any).await.expect_err("trouble");
    assert_eq!(error.kind(), ErrorKind::Ambiguous, "{error}");
    store.make(Trouble::None);
    assert_eq!(store.active().await, VersionId::of(&source), "it was, and it is whole");
    let again = store.scripts.deploy("s", &source, Expected::Any).await.expect("an answer");
    assert!(matches!(again, Deployment::Unchanged(_)), "{again:?}");
    assert_eq!(store.pieces().await, 4);
}

#[tokio::test]
async fn of_two_that_go_back_at_once_neither_undoes_what_the_other_did() {
    let store = Store::new().await;
    for source in ["new", "newest"] {
        store.scripts.deploy("s", source, Expected::Any).await.expect("it is deployed");
    }
    store.make(Trouble::Rival);
    let late = store.scripts.rollback("s", None, Expected::Any).await.expect("an answer");
    let active = VersionId::of("new");
    assert!(matches!(late, Deployment::NotAsExpected(Some(other)) if other == active), "{late:?}");
    assert_eq!(store.active().await, active);
    // One that names where it goes to gets there, whoever else goes where.
    store.make(Trouble::Rival);
    let old = VersionId::of("old");
    let named = store.scripts.rollback("s", Some(old), Expected::Any).await.expect("an answer");
    assert!(matches!(named, Deployment::Done(_)), "{named:?}");
    assert_eq!(store.active().await, old);
}
