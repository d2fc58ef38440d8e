//! Writing down what happens, key by key.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use larder_core::Version;

use super::history::{Action, History, Op, Outcome, Token};

/// When a key's history is long enough.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Operations; those that are under way then come on top.
    pub ops: usize,
    /// Open operations: each of them doubles what a checker may have to try.
    pub open: usize,
}

/// How an operation ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    UnderWay,
    Answered(Outcome),
    /// It has no effect, and nothing was seen.
    Void,
    Open,
}

/// What happens on all keys.
#[derive(Debug)]
pub(super) struct Log {
    /// The order of all beginnings and ends, and the number of each write.
    moment: AtomicU64,
    limits: Limits,
    slots: Vec<Mutex<Slot>>,
}

#[derive(Debug, Default)]
struct Slot {
    /// The last one is in use.
    keys: Vec<Arc<KeyLog>>,
}

/// What happens on one key.
#[derive(Debug)]
pub(super) struct KeyLog {
    pub(super) name: String,
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    ops: Vec<(Op, End)>,
    /// The late duplicates that there may be.
    duplicates: Vec<Op>,
    versions: Vec<Version>,
}

/// All histories, and what is not in them.
#[derive(Debug, Default)]
pub struct Record {
    /// The histories, one for each key.
    pub histories: Vec<History>,
    /// Operations without an effect that saw nothing: reads that failed, and writes that were certainly not applied.
    pub void: usize,
    /// Attempts of puts that may take effect besides the put, each an open operation in its history.
    pub duplicates: usize,
    /// How many histories ended early, since they had as many open operations as they may.
    pub cut_short: usize,
}

impl Log {
    pub(super) fn new(slots: usize, limits: Limits) -> Self {
        let slots = (0..slots).map(|_| Mutex::default()).collect();
        Self { moment: AtomicU64::new(0), limits, slots }
    }

    /// A moment after all earlier ones. It also serves as a number that nothing else has.
    pub(super) fn moment(&self) -> u64 {
        self.moment.fetch_add(1, Ordering::SeqCst)
    }

    /// The key that is in use at a place: a fresh one when the history of the last is long enough.
    pub(super) fn key(&self, slot: usize) -> Arc<KeyLog> {
        let mut place = lock(&self.slots[slot]);
        match place.keys.last() {
            Some(key) if !key.is_full(self.limits) => Arc::clone(key),
            _ => {
                let name = format!("key:{slot}:{}", place.keys.len());
                let key = Arc::new(KeyLog { name, book: Mutex::default() });
                place.keys.push(Arc::clone(&key));
                key
            }
        }
    }

    /// What was written down, once nothing is under way any more.
    pub(super) fn record(&self) -> Record {
        let mut record = Record::default();
        for slot in &self.slots {
            for key in &lock(slot).keys {
                let book = lock(&key.book);
                let mut ops: Vec<Op> = book
                    .ops
                    .iter()
                    .filter(|(_, end)| !matches!(end, End::Void))
                    .map(|(op, _)| *op)
                    .chain(book.duplicates.iter().copied())
                    .collect();
                ops.sort_by_key(|op| op.invoked);
                record.void += book.ops.iter().filter(|(_, end)| matches!(end, End::Void)).count();
                record.duplicates += book.duplicates.len();
                record.cut_short += usize::from(book.open() >= self.limits.open);
                record.histories.push(History { key: key.name.clone(), ops });
            }
        }
        record
    }
}

impl KeyLog {
    /// An operation begins, at a moment taken just before.
    pub(super) fn begin(&self, task: usize, action: Action, invoked: u64) -> usize {
        let mut book = lock(&self.book);
        book.ops.push((Op { task, action, invoked, ended: None }, End::UnderWay));
        book.ops.len() - 1
    }

    /// An operation ended, at a moment taken just after. So many of its attempts may take effect besides it.
    pub(super) fn end(&self, place: usize, end: End, at: u64, duplicates: u32) {
        let mut book = lock(&self.book);
        let (op, was) = &mut book.ops[place];
        *was = end;
        if let End::Answered(outcome) = end {
            op.ended = Some((at, outcome));
        }
        let open = Op { ended: None, ..*op };
        book.duplicates.extend((0..duplicates).map(|_| open));
    }

    /// The number of a version.
    pub(super) fn token(&self, version: &Version) -> Token {
        let mut book = lock(&self.book);
        let known = book.versions.iter().position(|known| known == version);
        let place = known.unwrap_or_else(|| {
            book.versions.push(version.clone());
            book.versions.len() - 1
        });
        assert!(place < Token::COUNT, "a history is too long: it has more versions than can be told apart");
        Token(u8::try_from(place).unwrap_or(u8::MAX))
    }

    fn is_full(&self, limits: Limits) -> bool {
        let book = lock(&self.book);
        book.ops.len() >= limits.ops || book.open() >= limits.open
    }
}

impl Book {
    /// How many operations nobody waits for any more, though they may still take effect.
    fn open(&self) -> usize {
        self.duplicates.len() + self.ops.iter().filter(|(_, end)| matches!(end, End::Open)).count()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
