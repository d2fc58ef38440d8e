//! The keys in memory, and who presents a good one.
//!
//! A request never reads the store for its key: whoever makes up keys costs no reads, and finds out nothing from how long
//! an answer takes. All keys are read again at most every few seconds, while there are requests.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use governor::clock::DefaultClock;
use larder::{Clock, Context, Error, Result, SystemClock};
use subtle::ConstantTimeEq;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::allowance::Allowance;
use super::api_key::{ApiKey, KeyHash, KeyId};
use super::rate::Rate;
use super::store::{KeyStore, ListedKey, Stored};
use crate::caller::Caller;

/// A gateway takes no key longer than this after it was revoked. If the store cannot be read by then, it takes none.
pub const REVOKED_WITHIN: Duration = Duration::from_secs(10);

/// From this age on, keys are read again beside the requests, which need not wait for it.
const STALE: Duration = Duration::from_secs(5);
/// A key that is not known is looked for in the store if what is known is older than this: it may have been made since.
const NEW_WITHIN: Duration = Duration::from_secs(1);
/// Compared with where there is no key of that id. It is the hash of nothing known.
const NOBODY: KeyHash = [0; 32];

/// The key that somebody presented, and what it lets them do.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Verified {
    /// The key.
    pub key: Arc<ListedKey>,
    /// Who it makes the caller.
    pub(crate) caller: Caller,
    /// What it has left of its rate, if it has one.
    pub(crate) allowance: Option<Arc<Allowance>>,
}

/// The keys of a gateway.
pub struct Keyring {
    source: Source,
    clock: Arc<dyn Clock>,
    known: RwLock<Known>,
    /// Held while the keys are read.
    reading: Mutex<()>,
}

/// Where the keys are.
#[derive(Debug)]
enum Source {
    /// In the store of a binding, which is opened when the first key is presented.
    Binding(Context, String),
    /// In this store.
    Store(KeyStore),
}

#[derive(Default)]
struct Known {
    keys: Option<Arc<Snapshot>>,
    /// Why they could not be read, the last time that it was tried.
    failure: Option<(Instant, Error)>,
}

struct Snapshot {
    /// When it was begun to be read: later revocations may be missing.
    begun: Instant,
    keys: HashMap<KeyId, Held>,
}

struct Held {
    verified: Verified,
    hash: KeyHash,
}

impl Keyring {
    /// The keys in the store of a binding, which is opened when the first key is presented.
    pub fn bound(context: Context, binding: impl Into<String>) -> Self {
        Self::on(Source::Binding(context, binding.into()))
    }

    /// These keys.
    pub fn new(store: KeyStore) -> Self {
        Self::on(Source::Store(store))
    }

    fn on(source: Source) -> Self {
        Self { source, clock: Arc::new(SystemClock), known: RwLock::default(), reading: Mutex::default() }
    }

    /// Judges expiries by another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Whether somebody presents a good key: `None` for any other text.
    ///
    /// An id that nobody has takes the same way and time as one with another secret.
    ///
    /// # Errors
    ///
    /// What kept the keys from being read for longer than [`REVOKED_WITHIN`]. Then nobody is known.
    pub async fn verify(self: &Arc<Self>, presented: &str) -> Result<Option<Verified>> {
        let Some(key) = ApiKey::parse(presented) else { return Ok(None) };
        let hash = key.hash();
        let asked = Instant::now();
        let known = self.fresh(asked).await?;
        if let Some(found) = known.find(key.id(), &hash, self.clock.as_ref()) {
            return Ok(Some(found));
        }
        if asked.duration_since(known.begun) <= NEW_WITHIN {
            return Ok(None);
        }
        // What others had read just now will do, so that wrong keys cost one read in a second, however many come.
        let since = asked.checked_sub(NEW_WITHIN).unwrap_or(asked);
        Ok(self.read(since).await?.find(key.id(), &hash, self.clock.as_ref()))
    }

    /// Whether a key that was good is so still: neither revoked, as far as is known, nor expired.
    ///
    /// # Errors
    ///
    /// As [`Keyring::verify`].
    pub(crate) async fn is_good(self: &Arc<Self>, id: KeyId) -> Result<bool> {
        Ok(self.fresh(Instant::now()).await?.live(id, self.clock.as_ref()).is_some())
    }

    /// Whether there never was a key, by a look into the store. One that has expired or was revoked was meant to keep people
    /// out, and leaves nobody who may come in.
    ///
    /// # Errors
    ///
    /// What keeps the store from answering.
    pub async fn is_unused(&self) -> Result<bool> {
        self.store().await?.is_unused().await
    }

    /// Whether the keys can be read, as far as requests depend on it.
    ///
    /// # Errors
    ///
    /// What keeps them from being read.
    pub async fn check(self: &Arc<Self>) -> Result<()> {
        self.fresh(Instant::now()).await.map(drop)
    }

    /// Keys that are young enough to be trusted.
    async fn fresh(self: &Arc<Self>, asked: Instant) -> Result<Arc<Snapshot>> {
        let known = self.lock(|known| known.keys.clone());
        let Some(known) = known else { return self.read(asked).await };
        let age = asked.duration_since(known.begun);
        if age >= REVOKED_WITHIN {
            return self.read(asked).await;
        }
        if age >= STALE && self.reading.try_lock().is_ok() {
            let keyring = Arc::clone(self);
            tokio::spawn(async move {
                // Whoever needs the keys when they are too old is told why there are none.
                if let Err(error) = keyring.read(asked).await {
                    tracing::warn!(target: "larder", %error, "the API keys cannot be read");
                }
            });
        }
        Ok(known)
    }

    /// The keys as they were at that time or later. They are read once for all who ask meanwhile. They share a failure,
    /// too: each trying again in its turn, the last would wait for all their deadlines.
    async fn read(&self, since: Instant) -> Result<Arc<Snapshot>> {
        let _reading = self.reading.lock().await;
        let answer = self.lock(|known| match (&known.keys, &known.failure) {
            (Some(keys), _) if keys.begun >= since => Some(Ok(Arc::clone(keys))),
            (_, Some((at, error))) if *at >= since => Some(Err(error.clone())),
            _ => None,
        });
        if let Some(answer) = answer {
            return answer;
        }
        let begun = Instant::now();
        let read = self.snapshot(begun).await;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        match &read {
            Ok(keys) => *known = Known { keys: Some(Arc::clone(keys)), failure: None },
            Err(error) => known.failure = Some((Instant::now(), error.clone())),
        }
        read
    }

    async fn snapshot(&self, begun: Instant) -> Result<Arc<Snapshot>> {
        let before = self.lock(|known| known.keys.clone());
        let mut keys = HashMap::new();
        for stored in self.store().await?.load().await? {
            match stored {
                Ok(Stored { listed, hash }) => {
                    let caller = Caller::of_key(listed.id, &listed.grant);
                    let allowance = listed.grant.rate.map(|rate| {
                        // What was spent stays spent.
                        let before = before.as_ref().and_then(|before| before.allowance(listed.id, rate));
                        before.unwrap_or_else(|| Arc::new(Allowance::new(rate, DefaultClock::default())))
                    });
                    let verified = Verified { key: Arc::new(listed), caller, allowance };
                    keys.insert(verified.key.id, Held { verified, hash });
                }
                // Good for nothing, and no reason to turn the others away.
                Err(error) => tracing::warn!(target: "larder", %error, "an API key is left out"),
            }
        }
        Ok(Arc::new(Snapshot { begun, keys }))
    }

    async fn store(&self) -> Result<KeyStore> {
        match &self.source {
            Source::Store(store) => Ok(store.clone()),
            Source::Binding(context, id) => KeyStore::new(&context.bindings().load_kv(id).await?),
        }
    }

    fn lock<T>(&self, look: impl FnOnce(&Known) -> T) -> T {
        look(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Snapshot {
    fn allowance(&self, id: KeyId, rate: Rate) -> Option<Arc<Allowance>> {
        let allowance = self.keys.get(&id)?.verified.allowance.as_ref()?;
        (allowance.rate() == rate).then(|| Arc::clone(allowance))
    }

    fn find(&self, id: KeyId, hash: &KeyHash, clock: &dyn Clock) -> Option<Verified> {
        let expected = self.keys.get(&id).map_or(&NOBODY, |held| &held.hash);
        let is_equal = bool::from(expected.ct_eq(hash));
        self.live(id, clock).filter(|_| is_equal).map(|held| held.verified.clone())
    }

    /// The key with this id, unless it has expired.
    fn live(&self, id: KeyId, clock: &dyn Clock) -> Option<&Held> {
        let held = self.keys.get(&id)?;
        let now = clock.now().to_system_time();
        held.verified.key.expires_at.is_none_or(|expiry| now < expiry).then_some(held)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").field("source", &self.source).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use larder::{Kv, ManualClock, MemoryDriver, PutOptions};

    use super::super::grant::Grant;
    use super::*;
    use crate::permission::Permission;

    fn grant() -> Grant {
        Grant::new([Permission::Read])
    }

    fn keyring() -> (KeyStore, Arc<Keyring>) {
        let store = KeyStore::new(&Kv::new(MemoryDriver::new())).expect("a store");
        (store.clone(), Arc::new(Keyring::new(store)))
    }

    async fn is_good(keyring: &Arc<Keyring>, key: &str) -> bool {
        keyring.verify(key).await.expect("the keys can be read").is_some()
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_whole_key_is_good() {
        let (store, keyring) = keyring();
        let key = store.create(&grant(), None).await.expect("a key");
        let text = key.expose();
        assert!(is_good(&keyring, &text).await);
        let end = if text.ends_with('0') { "1" } else { "0" };
        let wrong_secret = format!("{}{end}", &text[..text.len() - 1]);
        let secret = text.rsplit('_').next().expect("a secret");
        for other in
            ["", "kv_", secret, &wrong_secret, &format!("kv_0123456789abcdef_{secret}"), &format!(" {text}")]
        {
            assert!(!is_good(&keyring, other).await, "{other}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_revoked_key_is_good_no_longer_than_the_bound() {
        let (store, keyring) = keyring();
        let key = store.create(&grant(), None).await.expect("a key");
        assert!(is_good(&keyring, &key.expose()).await);
        store.revoke(key.id()).await.expect("it is revoked");
        tokio::time::advance(STALE - Duration::from_millis(1)).await;
        assert!(is_good(&keyring, &key.expose()).await, "the store is not read for each request");
        tokio::time::advance(REVOKED_WITHIN - STALE + Duration::from_millis(1)).await;
        assert!(!is_good(&keyring, &key.expose()).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_busy_gateway_notices_sooner_without_making_anybody_wait() {
        let (store, keyring) = keyring();
        let key = store.create(&grant(), None).await.expect("a key");
        assert!(is_good(&keyring, &key.expose()).await);
        store.revoke(key.id()).await.expect("it is revoked");
        tokio::time::advance(STALE).await;
        assert!(is_good(&keyring, &key.expose()).await, "this one is answered by what was known");
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        assert!(!is_good(&keyring, &key.expose()).await, "and had the keys read");
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_key_is_good_within_a_second() {
        let (store, keyring) = keyring();
        assert!(!is_good(&keyring, &ApiKey::generate().expose()).await);
        let key = store.create(&grant(), None).await.expect("a key");
        assert!(!is_good(&keyring, &key.expose()).await, "wrong keys cost at most one read in a second");
        tokio::time::advance(NEW_WITHIN + Duration::from_millis(1)).await;
        assert!(is_good(&keyring, &key.expose()).await);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_spent_stays_spent_when_the_keys_are_read_again() {
        let (store, keyring) = keyring();
        let key =
            store.create(&grant().rate("1/h".parse().expect("a rate")), None).await.expect("a key").expose();
        let take = async || {
            let verified = keyring.verify(&key).await.expect("the keys can be read").expect("a good key");
            verified.allowance.expect("a rate").take().is_refusal()
        };
        assert!(!take().await);
        tokio::time::advance(REVOKED_WITHIN).await;
        assert!(take().await);
    }

    #[tokio::test(start_paused = true)]
    async fn without_the_store_keys_are_good_up_to_the_bound_and_then_none_is() {
        let dir = tempfile::tempdir().expect("a directory");
        let missing = Context::new(larder::Bindings::from_file(dir.path().join("none.toml")));
        let broken = Arc::new(Keyring::bound(missing, "keys"));
        let error = broken.verify(&ApiKey::generate().expose()).await.expect_err("nobody is known");
        assert_eq!(error.kind(), larder::ErrorKind::NotConfigured);

        let (store, keyring) = keyring();
        let key = store.create(&grant(), None).await.expect("a key");
        assert!(is_good(&keyring, &key.expose()).await);
        let known = keyring.lock(|known| known.keys.clone());
        let cut_off = Arc::new(Keyring {
            known: RwLock::new(Known { keys: known, failure: None }),
            ..Arc::into_inner(broken).expect("one owner")
        });
        assert!(is_good(&cut_off, &key.expose()).await);
        tokio::time::advance(REVOKED_WITHIN).await;
        cut_off.verify(&key.expose()).await.expect_err("it may have been revoked since");
    }

    #[tokio::test(start_paused = true)]
    async fn an_expired_key_is_no_good_from_then_on() {
        let clock = Arc::new(ManualClock::default());
        let kv = Kv::builder(MemoryDriver::new()).clock(clock.clone()).build();
        let store = KeyStore::new(&kv).expect("a store");
        let keyring = Arc::new(Keyring::new(store.clone()).with_clock(clock.clone()));
        let key = store.create(&grant(), Some(Duration::from_secs(60))).await.expect("a key");
        assert!(is_good(&keyring, &key.expose()).await);
        clock.advance(Duration::from_secs(60));
        assert!(!is_good(&keyring, &key.expose()).await, "without the store being read again");
    }

    #[tokio::test(start_paused = true)]
    async fn a_record_that_cannot_be_read_lets_nobody_in_and_keeps_nobody_out() {
        let kv = Kv::new(MemoryDriver::new());
        let store = KeyStore::new(&kv).expect("a store");
        let keyring = Arc::new(Keyring::new(store.clone()));
        let (good, bad) = (store.create(&grant(), None).await, store.create(&grant(), None).await);
        let (good, bad) = (good.expect("a key"), bad.expect("a key"));
        let records = kv.system("gateway-keys").expect("a part");
        records.put(bad.id().to_string(), "{}", PutOptions::new()).await.expect("a put");
        assert!(is_good(&keyring, &good.expose()).await);
        assert!(!is_good(&keyring, &bad.expose()).await);
        // Who made it wants keys to count, whatever became of it.
        store.revoke(good.id()).await.expect("it is revoked");
        assert!(!keyring.is_unused().await.expect("the store answers"));
        store.revoke(bad.id()).await.expect("it is revoked");
        assert!(!keyring.is_unused().await.expect("the store answers"));
    }
}
