//! One script, played on any backend: what a user can observe of it, line by line.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use larder_core::{
    Cursor, DeleteOutcome, Entry, Error, Kv, ManualClock, PutOptions, PutOutcome, Result, ScanOptions, Seen,
    TouchOptions, TouchOutcome, Version,
};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Keys that some platform forbids, splits or normalises, in an order that is not theirs.
const KEYS: [&str; 24] = [
    "a", "A", "b/c", "b#c", "b?c", "b%2Fc", "b+c", "b c", "..", ".", "__x__", "user:1", "user:10", "user:2",
    "é", "e\u{301}", "日本", "🥫", "~", "'", "\"", "\\", "\u{0}", "x\ty",
];

/// Plays the script of a seed, and tells what was observed. Two backends that keep the contract tell the same.
pub async fn play(kv: &Kv, clock: &Arc<ManualClock>, seed: u64, steps: usize) -> Vec<String> {
    let mut player = Player {
        kv: kv.clone(),
        clock: Arc::clone(clock),
        random: StdRng::seed_from_u64(seed),
        versions: BTreeMap::new(),
        transcript: Vec::new(),
    };
    for number in 0..steps {
        let line = player.step().await;
        player.transcript.push(format!("{number}: {line}"));
    }
    // What is left, in every form that a scan has.
    let all = player.pages("", 7).await;
    player.transcript.push(all);
    let whole = kv.scan_collect("", 1_000).await.map(|page| shown(page.items, as_entry));
    player.transcript.push(told(whole));
    player.transcript
}

struct Player {
    kv: Kv,
    clock: Arc<ManualClock>,
    random: StdRng,
    /// The last version seen of each key, by whatever told it.
    versions: BTreeMap<&'static str, Version>,
    transcript: Vec<String>,
}

impl Player {
    fn key(&mut self) -> &'static str {
        KEYS[self.random.random_range(0..KEYS.len())]
    }

    fn value(&mut self) -> Vec<u8> {
        match self.random.random_range(0..8) {
            0 => Vec::new(),
            1 => vec![0xff; self.random.random_range(1..400)],
            2 => self.random.random_range(-1_000_i64..1_000).to_string().into_bytes(),
            3 => b"-0".to_vec(),
            _ => format!("value-{}", self.random.random_range(0..1_000)).into_bytes(),
        }
    }

    fn ttl(&mut self) -> Option<Duration> {
        let seconds = self.random.random_range(0..40);
        (seconds > 15).then(|| Duration::from_millis(seconds * 333))
    }

    /// A version seen before, which may be of a state that has gone.
    fn version(&mut self, key: &str) -> Option<Version> {
        self.versions.get(key).cloned()
    }

    async fn step(&mut self) -> String {
        let key = self.key();
        match self.random.random_range(0..17) {
            0..=2 => self.put(key).await,
            3 => format!("get {key:?}: {}", told(self.kv.get(key).await.map(|value| format!("{value:?}")))),
            4 => {
                let entry = self.kv.get_entry(key).await;
                if let Ok(Some(entry)) = &entry {
                    self.versions.insert(key, entry.version().clone());
                }
                let shown = entry.map(|entry| entry.map_or("absent".to_owned(), |entry| as_entry(&entry)));
                format!("entry {key:?}: {}", told(shown))
            }
            5 => format!("exists {key:?}: {}", told(self.kv.exists(key).await)),
            6 => format!("delete {key:?}: {}", told(self.kv.delete(key).await.map(|()| "done"))),
            7 => match self.version(key) {
                None => "no version".to_owned(),
                Some(version) => {
                    let outcome = self.kv.delete_if_version(key, version).await;
                    format!("delete {key:?} if version: {}", told(outcome.map(deleted)))
                }
            },
            8 => self.touch(key).await,
            9..=10 => {
                let delta = self.random.random_range(-3..10);
                let ttl = self.ttl();
                format!("increment {key:?} by {delta}: {}", told(self.kv.increment(key, delta, ttl).await))
            }
            11 => {
                let (prefix, limit) = (["", "b", "user:", "user:1"][self.random.random_range(0..4)], 3);
                self.pages(prefix, limit).await
            }
            12 => {
                let keys: Vec<_> = (0..5).map(|_| self.key()).collect();
                let found =
                    self.kv.get_many(&keys).await.map(|found| {
                        shown(found, |entry| entry.as_ref().map_or("absent".to_owned(), as_entry))
                    });
                format!("get {keys:?}: {}", told(found))
            }
            13 => {
                let entries: Vec<_> = (0..4).map(|_| (self.key(), self.value())).collect();
                let (keys, ttl): (Vec<_>, _) = (entries.iter().map(|(key, _)| *key).collect(), self.ttl());
                let stored = self.kv.put_many(entries, ttl).await;
                if let Ok(stored) = &stored {
                    for (key, version) in keys.iter().zip(stored) {
                        if let Ok(version) = version {
                            self.versions.insert(key, version.clone());
                        }
                    }
                }
                let stored = stored.map(|stored| shown(stored, |_| "stored".to_owned()));
                format!("put {keys:?} for {ttl:?}: {}", told(stored))
            }
            14 => {
                let keys: Vec<_> = (0..3).map(|_| self.key()).collect();
                let deleted = self.kv.delete_many(&keys).await.map(|all| shown(all, |()| "done".to_owned()));
                format!("delete {keys:?}: {}", told(deleted))
            }
            15 => {
                let by = Duration::from_millis(self.random.random_range(1..4_000));
                self.clock.advance(by);
                format!("{by:?} later")
            }
            _ => self.refused(key).await,
        }
    }

    async fn put(&mut self, key: &'static str) -> String {
        let (value, ttl) = (self.value(), self.ttl());
        let mut options = PutOptions::new();
        options.ttl = ttl;
        let (how, options) = match (self.random.random_range(0..3), self.version(key)) {
            (0, _) => ("if absent", options.if_not_exists()),
            (1, Some(version)) => ("if version", options.if_version(version)),
            _ => ("", options),
        };
        let outcome = self.kv.put(key, value, options).await;
        if let Ok(PutOutcome::Stored(version)) = &outcome {
            self.versions.insert(key, version.clone());
        }
        let outcome = outcome.map(|outcome| match outcome {
            PutOutcome::Stored(_) => "stored".to_owned(),
            PutOutcome::ConditionFailed(seen) => format!("refused, {}", as_seen(&seen)),
        });
        format!("put {key:?} for {ttl:?} {how}: {}", told(outcome))
    }

    async fn touch(&mut self, key: &'static str) -> String {
        let options = match self.ttl() {
            Some(ttl) => TouchOptions::expire_after(ttl),
            None => TouchOptions::persist(),
        };
        let options = match (self.random.random_range(0..2), self.version(key)) {
            (0, Some(version)) => options.if_version(version),
            _ => options,
        };
        let outcome = self.kv.touch(key, options).await;
        if let Ok(TouchOutcome::Touched(version)) = &outcome {
            self.versions.insert(key, version.clone());
        }
        let outcome = outcome.map(|outcome| match outcome {
            TouchOutcome::Touched(_) => "touched".to_owned(),
            TouchOutcome::Absent => "absent".to_owned(),
            TouchOutcome::ConditionFailed(seen) => format!("refused, {}", as_seen(&seen)),
        });
        format!("touch {key:?}: {}", told(outcome))
    }

    /// All pages of a prefix, with the text of every cursor: it means the same position everywhere.
    async fn pages(&mut self, prefix: &str, limit: usize) -> String {
        let mut text = format!("scan {prefix:?} by {limit}:");
        let mut cursor: Option<Cursor> = None;
        loop {
            let page = self.kv.scan_page(prefix, ScanOptions::new().limit(limit).cursor(cursor)).await;
            let page = match page {
                Ok(page) => page,
                Err(error) => return format!("{text} {}", told::<String>(Err(error))),
            };
            let items = shown(page.items, as_entry);
            let _ = write!(text, " {items} {:?}", page.cursor.as_ref().map(ToString::to_string));
            cursor = page.cursor;
            if cursor.is_none() {
                return text;
            }
        }
    }

    /// What is refused before any request: the words are the same as well.
    async fn refused(&mut self, key: &'static str) -> String {
        let error = match self.random.random_range(0..5) {
            0 => self.kv.put("", "", PutOptions::new()).await.map(drop),
            1 => self.kv.put(key, vec![0; 24_577], PutOptions::new()).await.map(drop),
            2 => self.kv.put(key, "", PutOptions::new().ttl(Duration::ZERO)).await.map(drop),
            3 => self.kv.scan_page("", ScanOptions::new().limit(1_001)).await.map(drop),
            _ => self.kv.get("k".repeat(513)).await.map(drop),
        };
        told(error.map(|()| "fine"))
    }
}

fn as_entry(entry: &Entry) -> String {
    format!("{:?} = {:?} for {:?}", entry.key(), entry.value(), entry.ttl())
}

fn as_seen(seen: &Seen) -> String {
    match seen {
        Seen::Entry(entry) => as_entry(entry),
        Seen::Absent => "absent".to_owned(),
        Seen::NotShown => "not shown".to_owned(),
    }
}

fn deleted(outcome: DeleteOutcome) -> String {
    match outcome {
        DeleteOutcome::Deleted => "deleted".to_owned(),
        DeleteOutcome::ConditionFailed(seen) => format!("refused, {}", as_seen(&seen)),
    }
}

fn shown<T>(items: Vec<Result<T>>, show: impl Fn(&T) -> String) -> String {
    let items: Vec<_> = items
        .into_iter()
        .map(|item| match item {
            Ok(item) => show(&item),
            Err(error) => told::<String>(Err(error)),
        })
        .collect();
    format!("[{}]", items.join(", "))
}

fn told<T: std::fmt::Display>(result: Result<T>) -> String {
    match result {
        Ok(value) => value.to_string(),
        Err(error) => failure(&error),
    }
}

fn failure(error: &Error) -> String {
    format!("{} ({}, key {:?})", error.kind(), error.message(), error.key())
}
