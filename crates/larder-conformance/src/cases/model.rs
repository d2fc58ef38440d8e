//! Random operations on the store and on the model: every answer is the same.

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt::Debug;

use futures_util::TryStreamExt;
use larder_core::{
    DeleteOutcome, Entry, ErrorKind, Kv, PutOptions, PutOutcome, ScanOptions, Seen, TouchOptions, Version,
};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use crate::context::Context;
use crate::model::{Condition, Model, NoCounter};
use crate::support::{ms, next_turn};

use super::operations::{KEYS, Key, Op, Ttl, When, operations};

cases! {
    "model";
    random_operations_agree_with_the_model: T1 T2 T5 T6 T7 P1 P2 G1 S1 S2 B1 C1;
}

async fn random_operations_agree_with_the_model(context: Context) {
    let size = context.model();
    let handles = [context.kv().await, context.kv().await];
    let runtime = tokio::runtime::Handle::current();
    let player = context.clone();
    // The runner is not asynchronous, and shrinks what fails by running it again and again.
    let play = tokio::task::spawn_blocking(move || {
        let config = Config {
            cases: size.sequences.max(1),
            failure_persistence: None,
            max_shrink_iters: 1_000,
            max_shrink_time: 30_000,
            ..Config::default()
        };
        let seed: Vec<u8> = player.seed().to_be_bytes().repeat(4);
        let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
        let number = Cell::new(0);
        runner
            .run(&operations(size.operations.max(1)), |operations| {
                number.set(number.get() + 1);
                let played = runtime.block_on(Play::new(&player, &handles, number.get()).all(&operations));
                played.map_err(TestCaseError::fail)
            })
            .map_err(|error| error.to_string())
    });
    if let Err(failure) = play.await.expect("the runner ends well") {
        panic!("{failure}");
    }
}

/// One sequence, in a namespace of its own.
struct Play<'a> {
    context: &'a Context,
    handles: Vec<Kv>,
    model: Model,
    /// The versions that each key had, with the number of the write, oldest first.
    versions: HashMap<Key, Vec<(Version, u64)>>,
}

type Check<T = ()> = Result<T, String>;

fn same<T: PartialEq + Debug>(what: &str, store: T, model: T) -> Check {
    if store == model {
        Ok(())
    } else {
        Err(format!("{what}: the store says {store:?}, the model {model:?}"))
    }
}

fn works<T>(result: larder_core::Result<T>) -> Check<T> {
    result.map_err(|error| format!("{error:?}"))
}

/// What can be compared of an entry.
type Facts = (String, Vec<u8>, Option<u64>);

impl<'a> Play<'a> {
    fn new(context: &'a Context, handles: &[Kv; 2], number: u32) -> Self {
        let part = |kv: &Kv| kv.with_prefix(&format!("sequence-{number}")).expect("a resource id");
        Self {
            context,
            handles: handles.iter().map(part).collect(),
            model: Model::default(),
            versions: HashMap::new(),
        }
    }

    async fn all(mut self, operations: &[(usize, Op)]) -> Check {
        for (at, (handle, op)) in operations.iter().enumerate() {
            let kv = self.handles[*handle].clone();
            self.one(&kv, op).await.map_err(|failure| format!("operation {at}, {op:?}: {failure}"))?;
        }
        let kv = self.handles[0].clone();
        self.scan(&kv, "", 1_000).await.map_err(|failure| format!("at the end: {failure}"))
    }

    async fn one(&mut self, kv: &Kv, op: &Op) -> Check {
        match op {
            Op::Get(key) => self.get(kv, key).await,
            Op::Put(key, value, ttl, when) => self.put(kv, key, value, *ttl, when).await,
            Op::Delete(key) => {
                works(kv.delete(key).await)?;
                self.model.delete(key, Condition::Always);
                Ok(())
            }
            Op::DeleteVersion(key, back) => self.delete_version(kv, key, *back).await,
            Op::Touch(key, ttl, back) => self.touch(kv, key, *ttl, *back).await,
            Op::Increment(key, delta, ttl) => self.increment(kv, key, *delta, *ttl).await,
            Op::Scan(prefix, limit) => self.scan(kv, prefix, *limit).await,
            Op::GetMany(keys) => {
                let found = works(kv.get_many(keys).await)?;
                same("answers", found.len(), keys.len())?;
                for (key, found) in keys.iter().zip(found) {
                    self.compare(key, works(found)?.as_ref())?;
                }
                Ok(())
            }
            Op::PutMany(entries, ttl) => self.put_many(kv, entries, *ttl).await,
            Op::DeleteMany(keys) => {
                for deleted in works(kv.delete_many(keys).await)? {
                    works(deleted)?;
                }
                for key in keys {
                    self.model.delete(key, Condition::Always);
                }
                Ok(())
            }
            Op::Advance(millis) => {
                self.context.advance(ms(*millis));
                self.model.advance(*millis);
                Ok(())
            }
            Op::Sweep => works(kv.sweep().await).map(drop),
        }
    }

    /// A version that the key had, so many writes back, with its write's number.
    fn version(&self, key: Key, back: usize) -> Option<(Version, u64)> {
        let versions = self.versions.get(key)?;
        versions.get(versions.len().checked_sub(back + 1)?).cloned()
    }

    fn note(&mut self, key: Key, version: Version, write: u64) -> Check {
        let versions = self.versions.entry(key).or_default();
        if versions.iter().any(|(old, _)| *old == version) {
            return Err(format!("the version {version} was there before"));
        }
        versions.push((version, write));
        Ok(())
    }

    fn facts(&self, entry: &Entry) -> Facts {
        let ttl = entry.ttl().map(|ttl| u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX));
        (entry.key().to_owned(), entry.value().to_vec(), ttl)
    }

    fn expected(&self, key: Key) -> Option<Facts> {
        let entry = self.model.get(key)?;
        Some((entry.key.clone(), entry.value.clone(), self.model.remaining(entry)))
    }

    /// Compares an entry that the store showed, its version included.
    fn compare(&self, key: Key, entry: Option<&Entry>) -> Check {
        same("the entry", entry.map(|entry| self.facts(entry)), self.expected(key))?;
        let (Some(entry), Some(expected)) = (entry, self.model.get(key)) else { return Ok(()) };
        let known = self.versions.get(key).into_iter().flatten().find(|(_, write)| *write == expected.write);
        // Increments do not tell their version; it is learnt by reading.
        known.map_or(Ok(()), |(version, _)| same("the version", entry.version(), version))
    }

    fn compare_seen(&self, key: Key, seen: &Seen) -> Check {
        match seen {
            Seen::Entry(entry) => self.compare(key, Some(entry)),
            Seen::Absent => same("what was seen", None, self.expected(key)),
            Seen::NotShown => Ok(()),
        }
    }

    async fn get(&mut self, kv: &Kv, key: Key) -> Check {
        let entry = works(kv.get_entry(key).await)?;
        self.compare(key, entry.as_ref())?;
        same("get", works(kv.get(key).await)?.as_ref(), entry.as_ref().map(Entry::value))?;
        same("exists", works(kv.exists(key).await)?, entry.is_some())
    }

    async fn put(&mut self, kv: &Kv, key: Key, value: &str, ttl: Ttl, when: &When) -> Check {
        let mut options = PutOptions::new();
        options.ttl = ttl.map(ms);
        let (options, condition) = match when {
            When::Always => (options, Condition::Always),
            When::Absent => (options.if_not_exists(), Condition::Absent),
            When::Version(back) => {
                let Some((version, write)) = self.version(key, *back) else { return Ok(()) };
                (options.if_version(version), Condition::Write(write))
            }
        };
        match works(kv.put(key, value, options).await)? {
            PutOutcome::Stored(version) => match self.model.put(key, value.as_bytes(), ttl, condition) {
                Some(write) => self.note(key, version, write),
                None => Err("the store stored it, the model did not".to_owned()),
            },
            PutOutcome::ConditionFailed(seen) => {
                self.compare_seen(key, &seen)?;
                same("stored", false, self.model.put(key, value.as_bytes(), ttl, condition).is_some())
            }
        }
    }

    async fn delete_version(&mut self, kv: &Kv, key: Key, back: usize) -> Check {
        let Some((version, write)) = self.version(key, back) else { return Ok(()) };
        let outcome = works(kv.delete_if_version(key, version).await)?;
        if let DeleteOutcome::ConditionFailed(seen) = &outcome {
            self.compare_seen(key, seen)?;
        }
        same("deleted", outcome.is_deleted(), self.model.delete(key, Condition::Write(write)))
    }

    async fn touch(&mut self, kv: &Kv, key: Key, ttl: Ttl, back: Option<usize>) -> Check {
        let mut options = TouchOptions::persist();
        options.ttl = ttl.map(ms);
        let condition = match back.map(|back| self.version(key, back)) {
            None => Condition::Live,
            Some(None) => return Ok(()),
            Some(Some((version, write))) => {
                options = options.if_version(version);
                Condition::Write(write)
            }
        };
        let outcome = works(kv.touch(key, options).await)?;
        let write = self.model.touch(key, ttl, condition);
        same("touched", outcome.is_touched(), write.is_some())?;
        match (outcome.version(), write) {
            (Some(version), Some(write)) => self.note(key, version.clone(), write),
            _ => Ok(()),
        }
    }

    async fn increment(&mut self, kv: &Kv, key: Key, delta: i64, ttl: Ttl) -> Check {
        let sum = kv.increment(key, delta, ttl.map(ms)).await;
        match (sum, self.model.increment(key, delta, ttl)) {
            (Ok(sum), Ok((expected, write))) => {
                same("the sum", sum, expected)?;
                let Some(entry) = works(kv.get_entry(key).await)? else {
                    return Err("it is gone".to_owned());
                };
                self.compare(key, Some(&entry))?;
                self.note(key, entry.version().clone(), write)
            }
            (Err(error), Err(NoCounter)) => same("the error", error.kind(), ErrorKind::InvalidInput),
            (sum, expected) => Err(format!("the store says {sum:?}, the model {expected:?}")),
        }
    }

    async fn put_many(&mut self, kv: &Kv, entries: &[(Key, &'static str)], ttl: Ttl) -> Check {
        let results = works(kv.put_many(entries.iter().copied(), ttl.map(ms)).await)?;
        same("answers", results.len(), entries.len())?;
        for (at, ((key, value), result)) in entries.iter().zip(results).enumerate() {
            let version = works(result)?;
            // Of a key that is given twice only the last is written.
            if entries[at + 1..].iter().all(|(later, _)| later != key)
                && let Some(write) = self.model.put(key, value.as_bytes(), ttl, Condition::Always)
            {
                self.note(key, version, write)?;
            }
        }
        Ok(())
    }

    async fn scan(&mut self, kv: &Kv, prefix: &str, limit: usize) -> Check {
        let mut paged = Vec::new();
        let mut cursor = None;
        loop {
            let page = works(kv.scan_page(prefix, ScanOptions::new().limit(limit).cursor(cursor)).await)?;
            if page.items.len() > limit {
                return Err(format!("a page of {} entries, asked for {limit}", page.items.len()));
            }
            cursor = page.cursor.clone();
            next_turn().await;
            paged.extend(works(page.into_entries())?);
            if cursor.is_none() {
                break;
            }
        }
        let expected: Vec<Key> = self
            .model
            .scan(prefix)
            .into_iter()
            .map(|entry| *KEYS.iter().find(|key| **key == entry.key).expect("one of the keys"))
            .collect();
        let found: Vec<&str> = paged.iter().map(Entry::key).collect();
        same("the keys", &found, &expected)?;
        for (key, entry) in expected.iter().zip(&paged) {
            self.compare(key, Some(entry))?;
        }
        let streamed: Vec<_> = works(kv.scan_keys(prefix).try_collect().await)?;
        let of_pages: Vec<_> = paged.iter().map(Entry::info).collect();
        same("the stream of keys", streamed.iter().collect(), of_pages)
    }
}
