//! What the operations on one key mean when they are done one after the other.

use super::history::{Action, Condition, Outcome, Sight, Token, Written};

/// The state of one key.
///
/// Not every write tells its version: an addition does not, nor does a write whose reply was lost. The version of such
/// an entry is unknown until somebody is shown it. Nobody can have named it before in a condition, so that a condition
/// on a known version fails while the entry's own is unknown.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct State {
    entry: Option<Entry>,
    /// The versions of earlier entries, one bit each. None of them may come again (P2).
    spent: u128,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Entry {
    value: Written,
    token: Option<Token>,
}

impl State {
    /// The state after an operation that was told this; `None` when it cannot have been told so in this state.
    pub fn after(self, action: Action, outcome: Outcome) -> Option<Self> {
        match (action, outcome) {
            (Action::Read, Outcome::Saw(sight)) => self.shown(sight),
            (Action::Put(value, condition), Outcome::Stored(token)) if self.meets(condition) => {
                self.with(value, None).named(token)
            }
            (Action::Delete(condition), Outcome::Deleted) if self.meets(condition) => {
                Some(self.without_entry())
            }
            (Action::Put(_, condition) | Action::Delete(condition), Outcome::Refused(sight)) => {
                self.shown(sight).filter(|state| !state.meets(condition))
            }
            (Action::Add(delta), Outcome::Sum(sum)) if self.sum(delta) == Some(sum) => {
                Some(self.with(Written::Number(sum), None))
            }
            (Action::Add(delta), Outcome::NoCounter) if self.sum(delta).is_none() => Some(self),
            _ => None,
        }
    }

    /// The state after an operation of which nobody knows what it was told.
    #[must_use]
    pub fn after_unknown(self, action: Action) -> Self {
        match action {
            Action::Put(value, condition) if self.meets(condition) => self.with(value, None),
            Action::Delete(condition) if self.meets(condition) => self.without_entry(),
            Action::Add(delta) => self.sum(delta).map_or(self, |sum| self.with(Written::Number(sum), None)),
            Action::Read | Action::Put(..) | Action::Delete(_) => self,
        }
    }

    fn meets(self, condition: Condition) -> bool {
        match condition {
            Condition::Always => true,
            Condition::IfAbsent => self.entry.is_none(),
            Condition::IfVersion(token) => self.entry.is_some_and(|entry| entry.token == Some(token)),
        }
    }

    /// Whether this sight can be had of the state, which is known better afterwards.
    fn shown(self, sight: Sight) -> Option<Self> {
        match (sight, self.entry) {
            (Sight::NotShown, _) => Some(self),
            (Sight::Absent, None) => Some(self),
            (Sight::Entry(value, token), Some(entry)) if value.is_none_or(|value| value == entry.value) => {
                token.map_or(Some(self), |token| self.named(token))
            }
            _ => None,
        }
    }

    /// The same state, whose entry has this version.
    fn named(self, token: Token) -> Option<Self> {
        let entry = self.entry?;
        match entry.token {
            Some(known) => (known == token).then_some(self),
            None if self.spent & bit(token) != 0 => None,
            None => Some(Self { entry: Some(Entry { token: Some(token), ..entry }), ..self }),
        }
    }

    fn sum(self, delta: i64) -> Option<i64> {
        match self.entry.map(|entry| entry.value) {
            None => Some(delta),
            Some(Written::Number(number)) => number.checked_add(delta),
            Some(Written::Text(_) | Written::Foreign) => None,
        }
    }

    fn without_entry(self) -> Self {
        let token = self.entry.and_then(|entry| entry.token);
        Self { entry: None, spent: self.spent | token.map_or(0, bit) }
    }

    fn with(self, value: Written, token: Option<Token>) -> Self {
        Self { entry: Some(Entry { value, token }), ..self.without_entry() }
    }
}

fn bit(token: Token) -> u128 {
    1 << token.0
}
