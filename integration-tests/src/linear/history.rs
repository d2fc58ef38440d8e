//! What happened to one key: operations, when they began and ended, and what they were told.

use std::collections::BTreeMap;

/// A version that was seen, numbered in the order in which the versions of its key were first seen.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Token(pub u8);

impl Token {
    /// So many versions of one key can be told apart.
    pub const COUNT: usize = 128;
}

/// A value, as far as operations differ by it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Written {
    /// Text that a single operation wrote: the number of that operation.
    Text(u64),
    /// A counter's number.
    Number(i64),
    /// What no operation wrote.
    Foreign,
}

impl Written {
    /// The value in bytes.
    pub fn to_text(self) -> String {
        match self {
            Self::Text(number) => format!("w{number}"),
            Self::Number(number) => number.to_string(),
            Self::Foreign => "?".to_owned(),
        }
    }

    /// Reads what [`Written::to_text`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        let number = text.strip_prefix('w').and_then(|number| number.parse().ok()).map(Self::Text);
        number.or_else(|| text.parse().ok().map(Self::Number)).unwrap_or(Self::Foreign)
    }
}

/// What must hold for a write.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Condition {
    /// Nothing.
    Always,
    /// The key is absent.
    IfAbsent,
    /// The entry has this version.
    IfVersion(Token),
}

/// What an operation was asked to do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Action {
    /// To look.
    Read,
    /// To store a value.
    Put(Written, Condition),
    /// To remove the entry.
    Delete(Condition),
    /// To add to a counter.
    Add(i64),
}

/// What an operation saw of its key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Sight {
    /// It was not shown.
    NotShown,
    /// No entry.
    Absent,
    /// An entry, with as much of it as was shown.
    Entry(Option<Written>, Option<Token>),
}

/// What an operation was told.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Outcome {
    /// A read saw this.
    Saw(Sight),
    /// A put was stored under this version.
    Stored(Token),
    /// A delete was done.
    Deleted,
    /// The condition did not hold, by what was seen.
    Refused(Sight),
    /// The counter's number after the addition.
    Sum(i64),
    /// The value is no counter.
    NoCounter,
}

/// One operation on a key.
#[derive(Clone, Copy, Debug)]
pub struct Op {
    /// Which task it belongs to. A task has one operation under way at a time.
    pub task: usize,
    /// What it was asked to do.
    pub action: Action,
    /// When it began, in the order of all beginnings and ends.
    pub invoked: u64,
    /// When it ended, and what it was told. An open operation takes effect at any time after its beginning, or never.
    pub ended: Option<(u64, Outcome)>,
}

/// The operations on one key, which was absent before them.
#[derive(Clone, Default, Debug)]
pub struct History {
    /// The key.
    pub key: String,
    /// The operations in the order of their beginnings.
    pub ops: Vec<Op>,
}

/// The beginning or the end of an operation, by its place in the history.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Event {
    Invoked(usize),
    Ended(usize),
}

impl History {
    /// The beginnings and ends in their order.
    pub(super) fn events(&self) -> Vec<Event> {
        let mut events = BTreeMap::new();
        for (place, op) in self.ops.iter().enumerate() {
            // An open operation that stands for a late duplicate begins together with its put.
            events.insert((op.invoked, place), Event::Invoked(place));
            if let Some((at, _)) = op.ended {
                events.insert((at, place), Event::Ended(place));
            }
        }
        events.into_values().collect()
    }

    /// How many operations are open.
    pub fn open(&self) -> usize {
        self.ops.iter().filter(|op| op.ended.is_none()).count()
    }

    /// How many operations were under way together with another one.
    pub fn overlapping(&self) -> usize {
        let end = |op: &Op| op.ended.map_or(u64::MAX, |(at, _)| at);
        let overlaps = |(place, op): &(usize, &Op)| {
            self.ops
                .iter()
                .enumerate()
                .any(|(other, with)| other != *place && op.invoked < end(with) && with.invoked < end(op))
        };
        self.ops.iter().enumerate().filter(overlaps).count()
    }
}
