//! Many keys in few requests (B1).

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use smol_str::SmolStr;
use tokio::time::Instant;

use super::Kv;
use super::chunks::Written;
use super::layout::FoundLayout;
use crate::driver::{Mutation, Projection, RowKey};
use crate::entry::{Entry, EntryInfo};
use crate::error::{Error, InvalidInput, Result};
use crate::hash::KeyMap;
use crate::key::CanonicalKey;
use crate::layout::Layout;
use crate::operation::Operation;
use crate::options::{expiry, expiry_at};
use crate::time::Expiry;
use crate::value::Value;
use crate::version::Version;

impl Kv {
    /// Reads any number of entries; answers in the order of the keys (B1).
    ///
    /// Every position has its own result. The reads are not one snapshot. A key that is given twice is read once.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> larder_core::Result<()> {
    /// # use larder_core::{Kv, MemoryDriver, PutOptions};
    /// # let kv = Kv::new(MemoryDriver::new());
    /// # kv.put("a", "1", PutOptions::new()).await?;
    /// let found = kv.get_many(["a", "b"]).await?;
    /// assert!(matches!(&found[0], Ok(Some(entry)) if entry.value() == "1"));
    /// assert!(matches!(&found[1], Ok(None)));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `InvalidInput`, naming the position, for a bad key, before any I/O; all else is the position's own.
    pub async fn get_many<K: AsRef<str>>(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<Vec<Result<Option<Entry>>>> {
        let keys = self.canonical_keys(keys);
        let work = pin!(async {
            let keys = keys?;
            let FoundLayout { layout, deadline } = self.shared.layout().await?;
            let Distinct { rows, places } = distinct(rows(layout, keys));
            let found = self.shared.read_all(&rows, self.reading(Projection::Full), deadline).await;
            let now = self.now();
            let answers = rows.into_iter().zip(found).map(|(row, found)| match found {
                Ok(Some(record)) if !record.expires_at.is_past(now) => {
                    let version = Version::new(&row.key, record.expires_at, record.revision);
                    Ok(Some(Entry::new(record.value, EntryInfo::new(self.relative(row.key), version, now))))
                }
                Ok(_) => Ok(None),
                Err(error) => Err(self.at_row(error, Operation::GetMany, row)),
            });
            Ok(at_places(answers.collect(), places))
        });
        self.observed(Operation::GetMany, work).await
    }

    /// Stores any number of values unconditionally, each with the same TTL; answers in the order given (B1).
    ///
    /// Every position has its own result: its new version. The writes are not atomic: some may be stored and others not.
    /// Of a key that is given twice the last value is stored, and both positions get its result.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> larder_core::Result<()> {
    /// # use larder_core::{Kv, MemoryDriver, PutOptions};
    /// # let kv = Kv::new(MemoryDriver::new());
    /// let results = kv.put_many([("a", "1"), ("b", "2")], None).await?;
    /// assert!(results.iter().all(Result::is_ok));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `InvalidInput`, naming the position, for a bad key, value or TTL, before any I/O; all else is the position's own,
    /// with the kinds of [`Kv::put`].
    pub async fn put_many<K: AsRef<str>, V: Into<Value>>(
        &self,
        entries: impl IntoIterator<Item = (K, V)>,
        ttl: impl Into<Option<Duration>>,
    ) -> Result<Vec<Result<Version>>> {
        let ttl = ttl.into();
        let writes = expiry(ttl, self.now()).and_then(|expires_at| {
            self.puts(entries.into_iter().map(|(key, value)| (key, value, Ok(expires_at))))
        });
        self.put_all(writes, || expiry(ttl, self.now()).map(Some)).await
    }

    /// Stores any number of values unconditionally, each until a moment of its own, or for ever; otherwise as
    /// [`Kv::put_many`] (B1, T1).
    ///
    /// It is what moves entries to another store, which keep their [`expires_at`](Entry::expires_at). One whose moment has
    /// come by the time that it is stored is absent afterwards, as if it had been stored before and had expired since.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> larder_core::Result<()> {
    /// # use larder_core::{Kv, MemoryDriver, PutOptions};
    /// # use std::time::Duration;
    /// # let (from, to) = (Kv::new(MemoryDriver::new()), Kv::new(MemoryDriver::new()));
    /// # from.put("a", "1", PutOptions::new().ttl(Duration::from_secs(60))).await?;
    /// let entry = from.get_entry("a").await?.expect("it is there");
    /// to.put_many_until([(entry.key(), entry.value().clone(), entry.expires_at())]).await?;
    /// assert_eq!(to.get_entry("a").await?.and_then(|copy| copy.expires_at()), entry.expires_at());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Kv::put_many`]; `InvalidInput` also for a moment after the year 9999.
    pub async fn put_many_until<K: AsRef<str>, V: Into<Value>>(
        &self,
        entries: impl IntoIterator<Item = (K, V, Option<SystemTime>)>,
    ) -> Result<Vec<Result<Version>>> {
        let writes = entries.into_iter().map(|(key, value, until)| (key, value, expiry_at(until)));
        let writes = self.puts(writes);
        self.put_all(writes, || Ok(None)).await
    }

    /// Makes any number of keys absent; answers in the order given (B1).
    ///
    /// Every position has its own result. The deletes are not atomic.
    ///
    /// # Errors
    ///
    /// `InvalidInput`, naming the position, for a bad key, before any I/O; all else is the position's own, with the kinds
    /// of [`Kv::delete`].
    pub async fn delete_many<K: AsRef<str>>(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<Vec<Result<()>>> {
        let keys = self.canonical_keys(keys);
        let work = pin!(async {
            let writes = keys?.into_iter().map(|key| (key, Mutation::Delete)).collect();
            self.write_many(Operation::DeleteMany, writes, None, |_, _| Ok(())).await
        });
        self.observed(Operation::DeleteMany, work).await
    }

    /// `anew` gives the expiry of all of them by a server's clock, which may have been learnt only now.
    async fn put_all(
        &self,
        writes: Result<Vec<(CanonicalKey, Mutation)>, InvalidInput>,
        anew: impl FnOnce() -> Result<Option<Expiry>, InvalidInput>,
    ) -> Result<Vec<Result<Version>>> {
        let version = |row: &RowKey, Written { revision, expires_at }| revision.version(row, expires_at);
        let work = pin!(async {
            let mut writes = writes?;
            let waited = self.learn_time().await?;
            if self.follows_a_server()
                && let Some(anew) = anew()?
            {
                for (_, mutation) in &mut writes {
                    if let Mutation::Put { expires_at, .. } = mutation {
                        *expires_at = anew;
                    }
                }
            }
            self.write_many(Operation::PutMany, writes, waited, version).await
        });
        self.observed(Operation::PutMany, work).await
    }

    async fn write_many<T: Clone>(
        &self,
        operation: Operation,
        writes: Vec<(CanonicalKey, Mutation)>,
        waited: Option<Instant>,
        answer: impl Fn(&RowKey, Written) -> Result<T>,
    ) -> Result<Vec<Result<T>>> {
        let FoundLayout { layout, deadline } = self.shared.layout().await?;
        layout.check_writer()?;
        let (keys, mutations): (Vec<_>, Vec<_>) = writes.into_iter().unzip();
        let Distinct { rows, places } = distinct(rows(layout, keys));
        let mutations = match &places {
            None => mutations,
            Some(places) => last_of(mutations, places, rows.len()),
        };
        let written = self.shared.write_all(operation, rows, mutations, deadline.or(waited)).await;
        let answers = written.into_iter().map(|(row, written)| {
            let answer = written.and_then(|written| answer(&row, written));
            answer.map_err(|error| self.at_row(error, operation, row))
        });
        Ok(at_places(answers.collect(), places))
    }

    /// Checks all keys, naming the position of the first bad one.
    fn canonical_keys<K: AsRef<str>>(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<Vec<CanonicalKey>, InvalidInput> {
        let keys = keys.into_iter().enumerate();
        keys.map(|(at, key)| self.canonical(key.as_ref()).map_err(|input| input.at(at))).collect()
    }

    /// Checks all that is to be put, naming the position of the first that cannot be.
    fn puts<K: AsRef<str>, V: Into<Value>>(
        &self,
        entries: impl Iterator<Item = (K, V, Result<Expiry, InvalidInput>)>,
    ) -> Result<Vec<(CanonicalKey, Mutation)>, InvalidInput> {
        let write = |(key, value, expires_at): (K, V, Result<Expiry, InvalidInput>)| {
            let key = self.canonical(key.as_ref())?;
            let value = value.into().checked()?;
            Ok((key, Mutation::Put { value, expires_at: expires_at?, register: None }))
        };
        let entries = entries.enumerate();
        entries.map(|(at, entry)| write(entry).map_err(|input: InvalidInput| input.at(at))).collect()
    }

    /// The key as the handle's user gave it.
    fn relative(&self, key: CanonicalKey) -> SmolStr {
        key.into_key(self.namespace.len()).unwrap_or_default()
    }

    fn at_row(&self, error: Error, operation: Operation, row: RowKey) -> Error {
        error
            .with_operation(operation)
            .with_binding(Arc::clone(&self.shared.binding))
            .with_key(&self.relative(row.key), self.shared.show_full_keys)
    }
}

/// Finds where keys live.
fn rows(layout: &Layout, keys: Vec<CanonicalKey>) -> Vec<RowKey> {
    keys.into_iter().map(|key| RowKey { shard: layout.shard_of(&key), key }).collect()
}

/// Rows without repetition.
struct Distinct {
    rows: Vec<RowKey>,
    /// For each position of the caller's which of the rows it is; `None` when every position has its own, as nearly always.
    places: Option<Vec<usize>>,
}

fn distinct(rows: Vec<RowKey>) -> Distinct {
    // A key is in one shard only, so that it tells the rows apart.
    let mut index = KeyMap::with_capacity_and_hasher(rows.len(), Default::default());
    let places: Vec<usize> = rows
        .iter()
        .map(|row| {
            let next = index.len();
            *index.entry(row.key.as_str()).or_insert(next)
        })
        .collect();
    let count = index.len();
    if count == rows.len() {
        return Distinct { rows, places: None };
    }
    let mut firsts = Vec::with_capacity(count);
    for (row, &place) in rows.into_iter().zip(&places) {
        if place == firsts.len() {
            firsts.push(row);
        }
    }
    Distinct { rows: firsts, places: Some(places) }
}

/// The last mutation of each row.
fn last_of(mutations: Vec<Mutation>, places: &[usize], rows: usize) -> Vec<Mutation> {
    let mut last = vec![Mutation::Delete; rows];
    for (mutation, &place) in mutations.into_iter().zip(places) {
        last[place] = mutation;
    }
    last
}

/// The answer of each position, of the answers of the rows.
fn at_places<T: Clone>(answers: Vec<Result<T>>, places: Option<Vec<usize>>) -> Vec<Result<T>> {
    match places {
        None => answers,
        Some(places) => places.into_iter().map(|place| answers[place].clone()).collect(),
    }
}
