//! What a store must hold, going by what a program said of it before it was killed.

use std::collections::{BTreeMap, BTreeSet};

use larder::{Entry, Kv};

use crate::workload::{Step, step};

/// What a store must hold.
#[derive(Debug)]
pub struct Model {
    tasks: u64,
    entries: BTreeMap<String, Stored>,
    counters: BTreeMap<String, i64>,
}

/// An entry.
#[derive(Clone, Debug)]
struct Stored {
    value: Vec<u8>,
    /// Unknown, if its put was not acknowledged and is there all the same.
    version: Option<String>,
    has_ttl: bool,
}

impl Stored {
    fn is(&self, entry: &Entry) -> bool {
        let is_version = |version: &String| *version == entry.version().to_string();
        entry.value() == &self.value
            && self.has_ttl == entry.ttl().is_some()
            && self.version.as_ref().is_none_or(is_version)
    }
}

/// What was acknowledged in one round.
#[derive(Debug)]
pub struct Round {
    number: u64,
    /// How many steps of each task.
    steps: Vec<u64>,
    /// What each counter was said to have become.
    counts: BTreeMap<String, BTreeSet<i64>>,
}

impl Round {
    /// How many steps of each task were acknowledged.
    pub fn steps(&self) -> impl Iterator<Item = u64> {
        self.steps.iter().copied()
    }
}

impl Model {
    /// A store that is empty, and is written to by so many tasks.
    pub fn new(tasks: u64) -> Self {
        Self { tasks, entries: BTreeMap::new(), counters: BTreeMap::new() }
    }

    /// How many entries have a lifetime.
    pub fn mortal(&self) -> usize {
        self.entries.values().filter(|stored| stored.has_ttl).count()
    }

    /// Forgets the entries that have a lifetime, since it is over.
    pub fn expire(&mut self) {
        self.entries.retain(|_, stored| !stored.has_ttl);
    }

    /// Begins a round.
    pub fn round(&self, number: u64) -> Round {
        Round { number, steps: vec![0; self.tasks as usize], counts: BTreeMap::new() }
    }

    /// Takes in a line that the writer printed.
    ///
    /// # Panics
    ///
    /// When it is none, or tells of a count that another increment was given already.
    #[track_caller]
    pub fn acknowledge(&mut self, round: &mut Round, line: &str) {
        let words: Vec<_> = line.split(' ').collect();
        let [task, number, result] = words[..] else { panic!("the writer printed {line:?}") };
        let (task, number): (u64, u64) = (task.parse().expect("a task"), number.parse().expect("a number"));
        assert_eq!(number, round.steps[task as usize], "{line:?}");
        round.steps[task as usize] += 1;
        match step(round.number, task, number) {
            Step::Put { key, value, ttl } => {
                let version = Some(result.to_owned());
                self.entries.insert(key, Stored { value, version, has_ttl: ttl.is_some() });
            }
            Step::Delete { key } => drop(self.entries.remove(&key)),
            Step::Count { counter } => {
                let is_new =
                    round.counts.entry(counter).or_default().insert(result.parse().expect("a count"));
                assert!(is_new, "two increments were given the same result: {line:?}");
            }
        }
    }

    /// Compares with what the store holds, and goes on from there: of a killed writer's every task one more step may be there.
    ///
    /// # Panics
    ///
    /// When something that was acknowledged is not there, when something is there that nobody wrote, and when a record
    /// cannot be read.
    pub async fn verify(&mut self, store: &Kv, round: &Round, was_killed: bool) {
        let found = contents(store).await;
        let in_flight: Vec<Step> = match was_killed {
            true => {
                (0..self.tasks).map(|task| step(round.number, task, round.steps[task as usize])).collect()
            }
            false => Vec::new(),
        };
        let mut uncounted = BTreeMap::<&str, i64>::new();
        for step in &in_flight {
            match step {
                Step::Count { counter } => *uncounted.entry(counter).or_default() += 1,
                Step::Put { key, .. } | Step::Delete { key } => self.adopt(key, step, found.get(key)),
            }
        }
        for (key, stored) in &self.entries {
            let entry = found.get(key).unwrap_or_else(|| panic!("{key} is lost"));
            assert!(stored.is(entry), "{key} is {entry:?} instead of {stored:?}");
        }
        for key in found.keys() {
            assert!(self.entries.contains_key(key) || key.starts_with("counter:"), "{key} is still there");
        }
        for (counter, entry) in found.iter().filter(|(key, _)| key.starts_with("counter:")) {
            let now: i64 = std::str::from_utf8(entry.value()).expect("text").parse().expect("a number");
            let before = self.counters.insert(counter.clone(), now).unwrap_or(0);
            let counted = round.counts.get(counter).into_iter().flatten();
            let acknowledged = counted.clone().count() as i64;
            let at_most = acknowledged + uncounted.get(&**counter).copied().unwrap_or(0);
            assert!(
                (before + acknowledged..=before + at_most).contains(&now),
                "{counter}: {before} to {now}"
            );
            assert!(counted.clone().all(|count| (before + 1..=now).contains(count)), "{counter}: {round:?}");
        }
        for counter in round.counts.keys() {
            assert!(found.contains_key(counter), "{counter} is lost");
        }
    }

    /// Compares with what the store holds, when nobody has written to it since the last time.
    ///
    /// # Panics
    ///
    /// As [`Model::verify`].
    pub async fn verify_unchanged(&mut self, store: &Kv) {
        self.verify(store, &self.round(0), false).await;
    }

    /// Takes a step that was not acknowledged for taken, if the store shows that it was.
    fn adopt(&mut self, key: &str, step: &Step, found: Option<&Entry>) {
        let is_as_before = match (self.entries.get(key), found) {
            (None, None) => true,
            (Some(stored), Some(entry)) => stored.is(entry),
            _ => false,
        };
        if is_as_before {
            return;
        }
        match step {
            Step::Put { value, ttl, .. } => {
                let version = found.map(|entry| entry.version().to_string());
                let stored = Stored { value: value.clone(), version, has_ttl: ttl.is_some() };
                self.entries.insert(key.to_owned(), stored);
            }
            Step::Delete { .. } | Step::Count { .. } => drop(self.entries.remove(key)),
        }
    }
}

/// Everything in a store, read by a scan and again by key.
///
/// # Panics
///
/// When a record cannot be read, or the two ways of reading differ.
pub async fn contents(store: &Kv) -> BTreeMap<String, Entry> {
    let page = store.scan_collect("", 1_000_000).await.expect("a scan");
    assert!(page.cursor.is_none(), "the scan is at its end");
    let scanned = page.into_entries().expect("no corrupt record");
    let read = store.get_many(scanned.iter().map(Entry::key)).await.expect("reads");
    for (scanned, read) in scanned.iter().zip(read) {
        let read = read.expect("no corrupt record").expect("it was there a moment ago");
        assert_eq!((scanned.value(), scanned.version()), (read.value(), read.version()), "{}", read.key());
    }
    scanned.into_iter().map(|entry| (entry.key().to_owned(), entry)).collect()
}

/// Whether what a store holds of a task's keys is what it had written after some step of a round, on an empty store.
pub fn is_a_moment_of(found: &BTreeMap<String, Entry>, round: u64, task: u64, steps: u64) -> bool {
    let of_task = format!("task-{task}:");
    let found: BTreeMap<&str, &Entry> = found
        .iter()
        .filter(|(key, _)| key.starts_with(&of_task))
        .map(|(key, entry)| (&**key, entry))
        .collect();
    let mut entries = BTreeMap::<String, Stored>::new();
    let is_now = |entries: &BTreeMap<String, Stored>| {
        entries.len() == found.len()
            && entries.iter().all(|(key, stored)| found.get(&**key).is_some_and(|entry| stored.is(entry)))
    };
    if is_now(&entries) {
        return true;
    }
    (0..steps).any(|number| {
        match step(round, task, number) {
            Step::Put { key, value, ttl } => {
                let stored = Stored { value, version: None, has_ttl: ttl.is_some() };
                entries.insert(key, stored);
            }
            Step::Delete { key } => drop(entries.remove(&key)),
            Step::Count { .. } => {}
        }
        is_now(&entries)
    })
}
