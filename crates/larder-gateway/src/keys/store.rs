//! Where keys are kept: under `!`, where no data route reaches (K5).

use std::time::{Duration, SystemTime};

use larder::{Clock, Entry, Error, ErrorKind, Kv, PutOptions, PutOutcome, Result, SystemClock, Timestamp};
use serde::{Deserialize, Serialize};

use super::api_key::{ApiKey, KeyHash, KeyId};
use super::grant::Grant;

/// The most keys of a store. They are all held in memory by a gateway.
pub const MAX_KEYS: usize = 10_000;

/// The part of Larder's own records that keys are in.
const PART: &str = "gateway-keys";
/// The part that says whether there ever was a key, and its one record.
const HISTORY: &str = "gateway-keys-history";
const WAS_USED: &str = "used";
/// The form of the records.
const FORMAT: u8 = 1;

/// The keys in a store. All handles on one store see the same, whatever their namespace.
#[derive(Clone, Debug)]
pub struct KeyStore {
    keys: Kv,
    /// Where it stands that there ever was a key.
    history: Kv,
}

/// A few more than may be made are read: makers at once do not see each other.
const MAX_READ: usize = MAX_KEYS + 100;

/// A key as lists show it: without anything that its secret could be guessed from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ListedKey {
    /// Its name.
    pub id: KeyId,
    /// What it is good for.
    pub grant: Grant,
    /// When it was made, by the clock of who made it.
    pub created_at: SystemTime,
    /// When it stops being good; `None` is never.
    pub expires_at: Option<SystemTime>,
}

/// A key as it is stored.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Record {
    format: u8,
    sha256: String,
    /// Epoch milliseconds.
    created_at: u64,
    grant: Grant,
}

impl KeyStore {
    /// The keys in the store that this handle is on.
    ///
    /// # Errors
    ///
    /// None in practice: `InvalidInput` if the name of Larder's own part were none.
    pub fn new(kv: &Kv) -> Result<Self> {
        Ok(Self { keys: kv.system(PART)?, history: kv.system(HISTORY)? })
    }

    /// Makes a key and stores its hash. The key that is returned is the only copy of its secret.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a grant that makes no sense, an expiry that the store cannot keep, and when there are
    /// [`MAX_KEYS`] already. `Ambiguous` when it may have been stored: then a key is listed that nobody has; revoke it.
    /// Otherwise what keeps the store from answering.
    pub async fn create(&self, grant: &Grant, lifetime: Option<Duration>) -> Result<ApiKey> {
        grant.check()?;
        if self.keys.scan_keys_collect("", MAX_KEYS).await?.items.len() >= MAX_KEYS {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                format!(
                    "the store holds {MAX_KEYS} keys, which is the limit: revoke some that are not needed"
                ),
            ));
        }
        let key = ApiKey::generate();
        let record = Record {
            format: FORMAT,
            sha256: hex::encode(key.hash()),
            created_at: SystemClock.now().as_millis(),
            grant: grant.clone(),
        };
        let record = serde_json::to_vec(&record)
            .map_err(|error| Error::new(ErrorKind::Internal, format!("a key's record: {error}")))?;
        // Before the key: a gateway that has seen one never goes without again.
        self.history.put(WAS_USED, "", PutOptions::new()).await?;
        // The entry's own lifetime is the key's: it is absent from then on in every read (T2).
        let mut options = PutOptions::new().if_not_exists();
        options.ttl = lifetime;
        match self.keys.put(key.id().to_string(), record, options).await? {
            PutOutcome::Stored(_) => Ok(key),
            PutOutcome::ConditionFailed(_) => {
                Err(Error::new(ErrorKind::Internal, "two keys came out with one id: make it again"))
            }
        }
    }

    /// The keys that are good now, by id. What cannot be read is an error at its place.
    ///
    /// # Errors
    ///
    /// What keeps the store from answering; `Unsupported` for more than [`MAX_KEYS`].
    pub async fn list(&self) -> Result<Vec<Result<ListedKey>>> {
        let stored = self.load().await?;
        Ok(stored.into_iter().map(|key| key.map(|stored| stored.listed)).collect())
    }

    /// Makes a key good for nothing. Gateways notice within [`REVOKED_WITHIN`](super::REVOKED_WITHIN). Returns whether there
    /// was one.
    ///
    /// # Errors
    ///
    /// What keeps the store from answering. A revocation that is `Ambiguous` can be made again.
    pub async fn revoke(&self, id: KeyId) -> Result<bool> {
        let id = id.to_string();
        let was_there = match self.keys.exists(&id).await {
            Ok(was_there) => was_there,
            // It is there, whatever it says.
            Err(error) if error.kind() == ErrorKind::Corrupt => true,
            Err(error) => return Err(error),
        };
        self.keys.delete(&id).await?;
        Ok(was_there)
    }

    /// Whether there never was a key: not even one that cannot be read, has expired or was revoked.
    pub(super) async fn is_unused(&self) -> Result<bool> {
        let no_keys = self.keys.scan_keys_collect("", 1).await?.items.is_empty();
        Ok(no_keys && !self.history.exists(WAS_USED).await?)
    }

    pub(super) async fn load(&self) -> Result<Vec<Result<Stored>>> {
        let page = self.keys.scan_collect("", MAX_READ).await?;
        if page.cursor.is_some() {
            // Serving with some of the keys would let them look revoked.
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("the store holds more than {MAX_KEYS} keys, which is the limit: revoke some"),
            ));
        }
        Ok(page.items.into_iter().map(|entry| read(&entry?)).collect())
    }
}

/// A key as a gateway holds it.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) listed: ListedKey,
    pub(super) hash: KeyHash,
}

fn read(entry: &Entry) -> Result<Stored> {
    let id = entry.key();
    let corrupt =
        |why: &str| Error::new(ErrorKind::Corrupt, format!("the API key {id:?} cannot be read: {why}"));
    // The parser's own message could show what stands there.
    let record: Record = serde_json::from_slice(entry.value())
        .map_err(|_| corrupt("it is no record of one, or a later version's"))?;
    if record.format != FORMAT {
        return Err(corrupt("it has the form of a later version"));
    }
    record.grant.check().map_err(|error| corrupt(error.message()))?;
    let mut hash = KeyHash::default();
    hex::decode_to_slice(&record.sha256, &mut hash).map_err(|_| corrupt("its hash is none"))?;
    let listed = ListedKey {
        id: id.parse().map_err(|_| corrupt("its id is none"))?,
        grant: record.grant,
        created_at: Timestamp::from_millis(record.created_at).to_system_time(),
        expires_at: entry.expires_at(),
    };
    Ok(Stored { listed, hash })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use larder::{ManualClock, MemoryDriver};
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::permission::Permission;

    fn grant() -> Grant {
        Grant::new([Permission::Read]).namespace("tenant")
    }

    #[tokio::test]
    async fn a_key_is_listed_until_it_is_revoked() {
        let kv = Kv::new(MemoryDriver::new());
        let keys = KeyStore::new(&kv).expect("a store");
        let key = keys.create(&grant(), None).await.expect("a key");
        let listed = keys.list().await.expect("a list").remove(0).expect("a key");
        assert_eq!((listed.id, &listed.grant, listed.expires_at), (key.id(), &grant(), None));
        assert!(keys.revoke(key.id()).await.expect("it is revoked"));
        assert!(!keys.revoke(key.id()).await.expect("again"));
        assert!(keys.list().await.expect("a list").is_empty());
    }

    #[tokio::test]
    async fn no_data_handle_reaches_a_key_and_no_record_holds_its_secret() {
        let kv = Kv::new(MemoryDriver::new());
        let keys = KeyStore::new(&kv.with_prefix("any").expect("a namespace")).expect("a store");
        let key = keys.create(&grant(), None).await.expect("a key");
        assert!(kv.scan_keys_collect("", 10).await.expect("a scan").items.is_empty());
        for name in [format!("!gateway-keys:{}", key.id()), format!("gateway-keys:{}", key.id())] {
            assert_eq!(kv.get(&name).await.expect("a get"), None, "{name}");
        }
        let record = keys.keys.get(key.id().to_string()).await.expect("a get").expect("a record");
        let record = String::from_utf8(record.to_vec()).expect("text");
        let text = key.expose();
        let secret = text.rsplit('_').next().expect("a secret");
        assert!(!record.contains(secret), "{record}");
        let record: serde_json::Value = serde_json::from_str(&record).expect("JSON");
        assert_eq!(record["sha256"], hex::encode(Sha256::digest(&text)));
    }

    #[tokio::test]
    async fn an_expired_key_is_gone() {
        let clock = Arc::new(ManualClock::default());
        let kv = Kv::builder(MemoryDriver::new()).clock(clock.clone()).build();
        let keys = KeyStore::new(&kv).expect("a store");
        keys.create(&grant(), Some(Duration::from_secs(60))).await.expect("a key");
        let listed = keys.list().await.expect("a list").remove(0).expect("a key");
        assert!(listed.expires_at.is_some());
        clock.advance(Duration::from_secs(60));
        assert!(keys.list().await.expect("a list").is_empty());
    }

    #[tokio::test]
    async fn a_store_whose_last_key_is_gone_is_no_store_without_keys() {
        let clock = Arc::new(ManualClock::default());
        let store = |name: &str| {
            let kv = Kv::builder(MemoryDriver::new()).clock(clock.clone()).binding(name).build();
            KeyStore::new(&kv).expect("a store")
        };
        let (expired, revoked, unreadable) = (store("expired"), store("revoked"), store("unreadable"));
        assert!(expired.is_unused().await.expect("an answer"));
        expired.create(&grant(), Some(Duration::from_secs(60))).await.expect("a key");
        let key = revoked.create(&grant(), None).await.expect("a key");
        assert!(revoked.revoke(key.id()).await.expect("it is revoked"));
        unreadable.keys.put("ffffffffffffffff", "a later version's", PutOptions::new()).await.expect("a put");
        clock.advance(Duration::from_secs(60));
        for store in [expired, revoked, unreadable] {
            assert!(!store.is_unused().await.expect("an answer"), "{store:?}");
        }
    }

    #[tokio::test]
    async fn a_record_that_cannot_be_read_is_an_error_at_its_place_without_what_it_holds() {
        let kv = Kv::new(MemoryDriver::new());
        let keys = KeyStore::new(&kv).expect("a store");
        let good = keys.create(&grant(), None).await.expect("a key");
        let bad: KeyId = "ffffffffffffffff".parse().expect("an id");
        for record in ["nonsense", "{\"format\":2}", "{\"secret\":\"nonsense\"}"] {
            keys.keys.put(bad.to_string(), record, PutOptions::new()).await.expect("a put");
            let listed = keys.list().await.expect("a list");
            let (fine, broken): (Vec<_>, Vec<_>) = listed.into_iter().partition(Result::is_ok);
            assert_eq!(fine[0].as_ref().expect("a key").id, good.id());
            let error = broken[0].as_ref().expect_err("an error");
            assert_eq!(error.kind(), ErrorKind::Corrupt);
            assert!(!error.to_string().contains("nonsense"), "{error}");
        }
    }
}
