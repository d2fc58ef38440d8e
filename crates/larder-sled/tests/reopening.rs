//! What a store held when it was closed, it holds when it is opened again.

use std::sync::Arc;
use std::time::Duration;

use larder_core::driver::{RowKey, Shard};
use larder_core::{
    CanonicalKey, Clock, ErrorKind, Kv, MAX_VALUE_BYTES, ManualClock, PutOptions, SweepOutcome, TouchOptions,
};
use larder_sled::{Durability, SledDriver, SledOptions};
use tempfile::{TempDir, tempdir};

/// A directory, and the clock of everybody who opens it.
struct Place {
    dir: TempDir,
    clock: Arc<ManualClock>,
    durability: Durability,
}

impl Place {
    fn new(durability: Durability) -> Self {
        Self { dir: tempdir().expect("a directory"), clock: Arc::default(), durability }
    }

    async fn driver(&self) -> SledDriver {
        let options =
            SledOptions::new().clock(self.clock.clone()).sweep_interval(None).durability(self.durability);
        SledDriver::open(self.dir.path(), options).await.expect("it opens")
    }

    async fn open(&self) -> Kv {
        Kv::builder(self.driver().await).clock(self.clock.clone()).build()
    }
}

const BOTH: [Durability; 2] = [Durability::Flush, Durability::Interval];

#[tokio::test]
async fn values_of_every_length() {
    for durability in BOTH {
        let place = Place::new(durability);
        let values: Vec<Vec<u8>> = [0, 1, 255, 4_096, MAX_VALUE_BYTES - 1, MAX_VALUE_BYTES]
            .map(|length| (0..length).map(|at| (at % 251) as u8).collect())
            .into();
        let kv = place.open().await;
        for (at, value) in values.iter().enumerate() {
            kv.put(format!("k{at}"), value.clone(), PutOptions::new()).await.expect("a put");
        }
        drop(kv);
        let kv = place.open().await;
        for (at, value) in values.iter().enumerate() {
            let found = kv.get(format!("k{at}")).await.expect("a read").expect("it is there");
            assert!(found == *value, "{} bytes, {durability:?}", value.len());
        }
        assert_eq!(kv.scan_keys_collect("", 100).await.expect("a scan").items.len(), values.len());
    }
}

#[tokio::test]
async fn versions_and_lifetimes() {
    for durability in BOTH {
        let place = Place::new(durability);
        let ttl = Duration::from_millis(12_345);
        let kv = place.open().await;
        let put = kv.put("k", "v", PutOptions::new().ttl(ttl)).await.expect("a put").into_version();
        let touched = kv.touch("touched", TouchOptions::expire_after(ttl)).await.expect("an outcome");
        assert!(!touched.is_touched(), "there is none");
        drop(kv);

        place.clock.advance(Duration::from_millis(345));
        let kv = place.open().await;
        let entry = kv.get_entry("k").await.expect("a read").expect("it is there");
        assert_eq!(entry.ttl(), Some(Duration::from_millis(12_000)));
        assert_eq!(Some(entry.version()), put.as_ref());
        let again = PutOptions::new().ttl(ttl).if_version(put.expect("it was stored"));
        assert!(kv.put("k", "w", again.clone()).await.expect("an outcome").is_stored());
        assert!(!kv.put("k", "x", again).await.expect("an outcome").is_stored());
        drop(kv);

        place.clock.advance(ttl);
        let kv = place.open().await;
        assert!(!kv.exists("k").await.expect("a read"));
        assert_eq!(kv.sweep().await.expect("a sweep"), SweepOutcome::Swept { removed: 1 });
    }
}

#[tokio::test]
async fn counters() {
    for durability in BOTH {
        let place = Place::new(durability);
        for opened in 0..12 {
            let kv = place.open().await;
            assert_eq!(kv.increment("counter", 1, None).await.expect("a counter"), 2 * opened + 1);
            assert_eq!(kv.increment("counter", 1, None).await.expect("a counter"), 2 * opened + 2);
            assert_eq!(kv.get_text("counter").await.expect("a read"), Some((2 * opened + 2).to_string()));
        }
    }
}

#[tokio::test]
async fn damaged_records_stay_what_they_are() {
    let place = Place::new(Durability::Flush);
    let driver = place.driver().await;
    let kv = Kv::builder(driver.clone()).clock(place.clock.clone()).build();
    for key in ["a", "b", "c"] {
        kv.put(key, "v", PutOptions::new()).await.expect("a put");
    }
    let row = RowKey { shard: Shard(0), key: CanonicalKey::from_canonical("b").expect("a key") };
    driver.plant(&row, b"garbage").await.expect("a write");
    drop((driver, kv));

    let kv = place.open().await;
    let error = kv.get("b").await.expect_err("it is damaged");
    assert_eq!((error.kind(), error.key()), (ErrorKind::Corrupt, Some("b")));
    let found = kv.scan_collect("", 10).await.expect("a scan").items;
    assert_eq!(found.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    kv.put("b", "mended", PutOptions::new()).await.expect("an unconditional put mends it");
    drop(kv);
    assert_eq!(place.open().await.get_text("b").await.expect("a read").as_deref(), Some("mended"));
}

#[tokio::test]
async fn a_store_is_closed_with_its_last_clone() {
    let place = Place::new(Durability::Flush);
    let driver = place.driver().await;
    let clone = driver.clone();
    let same = place.driver().await;
    drop(driver);
    let kv = Kv::new(same);
    kv.put("k", "v", PutOptions::new()).await.expect("it is open");
    drop(kv);
    assert!(Kv::new(clone).exists("k").await.expect("it is open"));
    // Closed now, it can be opened with other settings.
    let options = SledOptions::new().durability(Durability::Interval);
    let driver = SledDriver::open(place.dir.path(), options).await.expect("it was closed");
    assert!(Kv::new(driver).exists("k").await.expect("a read"));
    assert!(place.clock.now() < larder_core::SystemClock.now(), "no test here goes by the system's clock");
}
