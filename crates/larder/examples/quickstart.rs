//! What a store can do, in one minute: `cargo run --example quickstart`.
//!
//! It runs on the binding in `LARDER_CACHE_BINDING` if that is set, else on an embedded store in `./.larder`.

use std::sync::Arc;
use std::time::Duration;

use larder::{
    Bindings, Clock, Context, Kv, ManualClock, PutOptions, PutOutcome, Result, Seen, SystemClock,
    TouchOptions,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    // A clock that moves when it is told to, so that nobody has to wait for an entry to expire.
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let context = Context::new(bindings().with_clock(clock.clone()));

    let cache = context.bindings().load_kv("cache").await?;
    say("store", cache.describe());

    // A namespace of its own: the store may be one that you use for something else.
    let cache = cache.with_prefix("quickstart")?;
    // A run that was interrupted left its entries behind.
    clean(&cache).await?;

    put_and_get(&cache).await?;
    expire(&cache, &clock).await?;
    count(&cache).await?;
    scan(&cache).await?;
    lock(&cache, &clock).await?;
    compare_and_set(&cache).await?;

    clean(&cache).await?;
    say("done", "everything above was checked, and removed again");
    Ok(())
}

fn bindings() -> Bindings {
    match std::env::var_os("LARDER_CACHE_BINDING") {
        Some(_) => Bindings::from_env(),
        None => Bindings::local(".larder"),
    }
}

async fn put_and_get(cache: &Kv) -> Result<()> {
    cache.put("user:123", "Alice", PutOptions::new()).await?;
    let name = cache.get_text("user:123").await?;
    assert_eq!(name.as_deref(), Some("Alice"));
    say("put, get", "user:123 is Alice");

    assert_eq!(cache.get("user:124").await?, None);
    say("get", "user:124 is not there, which is no error");
    Ok(())
}

async fn expire(cache: &Kv, clock: &ManualClock) -> Result<()> {
    // One second: the store's other users count on clocks that differ by less than two.
    let ttl = Duration::from_secs(1);
    cache.put("session:abc", "a token", PutOptions::new().ttl(ttl)).await?;
    let session = cache.get_entry("session:abc").await?;
    let remaining = session.as_ref().and_then(larder::Entry::ttl);
    assert_eq!(remaining, Some(ttl));
    say("ttl", "session:abc lives for 1 s");

    clock.advance(ttl);
    assert!(!cache.exists("session:abc").await?);
    let touched = cache.touch("session:abc", TouchOptions::persist()).await?;
    assert!(!touched.is_touched());
    say("expired", "1 s later it is gone, and a touch does not bring it back");
    Ok(())
}

async fn count(cache: &Kv) -> Result<()> {
    // The window starts with the first request in it, and later ones do not extend it.
    let window = Duration::from_secs(1);
    for expected in 1..=3 {
        let sum = cache.increment("requests:login", 1, window).await?;
        assert_eq!(sum, expected);
    }
    say("count", "requests:login is at 3");
    Ok(())
}

async fn scan(cache: &Kv) -> Result<()> {
    let users = [("user:1", "Ada"), ("user:2", "Ben"), ("user:3", "Cleo")];
    for result in cache.put_many(users, None).await? {
        result?;
    }
    let page = cache.scan_collect("user:", 10).await?.into_entries()?;
    let found: Vec<_> = page.iter().map(larder::Entry::key).collect();
    assert_eq!(found, ["user:1", "user:123", "user:2", "user:3"], "in the order of the keys' bytes");
    say("scan", format!("user: has {}", found.join(", ")));
    Ok(())
}

async fn lock(cache: &Kv, clock: &ManualClock) -> Result<()> {
    // The lifetime frees the lock when its holder dies.
    let lease = PutOptions::new().ttl(Duration::from_millis(500)).if_not_exists();
    let first = cache.put("lock:report", "worker 1", lease.clone()).await?;
    assert!(first.is_stored());
    say("lock", "worker 1 has lock:report");

    let second = cache.put("lock:report", "worker 2", lease.clone()).await?;
    let holder = match second.existing() {
        Some(entry) => entry.value().clone(),
        // Not every store shows what stood in the way.
        None => cache.get("lock:report").await?.unwrap_or_default(),
    };
    assert!(!second.is_stored());
    assert_eq!(holder, "worker 1");
    say("refused", "worker 2 does not get it");

    clock.advance(Duration::from_millis(500));
    assert!(cache.put("lock:report", "worker 2", lease).await?.is_stored());
    say("lock", "worker 2 has it, once the lease of worker 1 is over");
    Ok(())
}

async fn compare_and_set(cache: &Kv) -> Result<()> {
    let stored = cache.put("stock", "10", PutOptions::new()).await?;
    let Some(seen) = stored.into_version() else { unreachable!("a put without a condition is stored") };

    // Two buyers saw the stock of 10. The second finds out that it is not up to date.
    let first = cache.put("stock", "9", PutOptions::new().if_version(seen.clone())).await?;
    assert!(first.is_stored());
    say("compare", "stock goes from 10 to 9");

    let second = cache.put("stock", "8", PutOptions::new().if_version(seen)).await?;
    match &second {
        PutOutcome::ConditionFailed(Seen::Entry(entry)) => assert_eq!(entry.value(), "9"),
        PutOutcome::ConditionFailed(_) => {}
        PutOutcome::Stored(_) => unreachable!("the version has passed"),
    }
    assert_eq!(cache.get_text("stock").await?.as_deref(), Some("9"));
    say("conflict", "stock is not at 10 any more, so it stays at 9");
    Ok(())
}

async fn clean(cache: &Kv) -> Result<()> {
    let keys = cache.scan_keys_collect("", 1_000).await?.into_entries()?;
    for result in cache.delete_many(keys.iter().map(larder::EntryInfo::key)).await? {
        result?;
    }
    Ok(())
}

fn say(what: &str, text: impl std::fmt::Display) {
    println!("{what:>9}  {text}");
}
