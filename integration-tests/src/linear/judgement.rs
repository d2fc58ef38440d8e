//! What the two checkers say of a history.

use super::history::History;
use super::{depth_first, wing_gong};

/// What a checker says of a history.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// There is an order that explains it.
    Linearizable,
    /// There is none.
    NotLinearizable,
    /// The search was given up.
    Undecided,
}

/// What both say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Judgement {
    /// stateright's `LinearizabilityTester`.
    pub depth_first: Verdict,
    /// todc-utils' `WGLChecker`.
    pub wing_gong: Verdict,
}

impl Judgement {
    /// Asks both.
    pub fn of(history: &History) -> Self {
        Self { depth_first: depth_first::check(history), wing_gong: wing_gong::check(history) }
    }

    /// Whether both say this.
    pub fn is(self, verdict: Verdict) -> bool {
        self.depth_first == verdict && self.wing_gong == verdict
    }

    /// Whether one contradicts the other.
    pub fn is_contradictory(self) -> bool {
        self.depth_first != Verdict::Undecided && self.depth_first != self.wing_gong
    }
}

#[cfg(test)]
mod tests {
    use super::super::history::{Action, Condition, Op, Outcome, Sight, Token, Written};
    use super::*;

    const A: Written = Written::Text(1);
    const B: Written = Written::Text(2);

    /// An operation of a task of its own, from one moment to another.
    fn op(invoked: u64, action: Action, ended: Option<(u64, Outcome)>) -> Op {
        Op { task: usize::try_from(invoked).expect("few"), action, invoked, ended }
    }

    /// An operation that is over before the next one begins.
    fn done(at: u64, action: Action, outcome: Outcome) -> Op {
        op(at, action, Some((at + 1, outcome)))
    }

    fn put(at: u64, value: Written, token: u8) -> Op {
        done(at, Action::Put(value, Condition::Always), Outcome::Stored(Token(token)))
    }

    fn saw(at: u64, value: Written, token: u8) -> Op {
        done(at, Action::Read, Outcome::Saw(Sight::Entry(Some(value), Some(Token(token)))))
    }

    fn saw_nothing(at: u64) -> Op {
        done(at, Action::Read, Outcome::Saw(Sight::Absent))
    }

    fn delete(at: u64) -> Op {
        done(at, Action::Delete(Condition::Always), Outcome::Deleted)
    }

    #[track_caller]
    fn both_say(verdict: Verdict, ops: impl IntoIterator<Item = Op>) {
        let history = History { key: "key".to_owned(), ops: ops.into_iter().collect() };
        let judgement = Judgement::of(&history);
        assert!(judgement.is(verdict), "{judgement:?} of {history:#?}");
    }

    #[test]
    fn nothing_is_linearizable() {
        both_say(Verdict::Linearizable, []);
    }

    #[test]
    fn a_read_sees_the_last_write() {
        both_say(Verdict::Linearizable, [put(0, A, 0), put(2, B, 1), saw(4, B, 1)]);
        both_say(Verdict::NotLinearizable, [put(0, A, 0), put(2, B, 1), saw(4, A, 0)]);
        both_say(Verdict::NotLinearizable, [put(0, A, 0), saw_nothing(2)]);
    }

    #[test]
    fn operations_that_overlap_have_either_order() {
        let long = op(0, Action::Put(A, Condition::Always), Some((9, Outcome::Stored(Token(0)))));
        both_say(Verdict::Linearizable, [long, put(1, B, 1), saw(3, B, 1), saw(5, A, 0)]);
        both_say(Verdict::Linearizable, [long, put(1, B, 1), saw(3, B, 1), saw(5, B, 1)]);
        both_say(Verdict::NotLinearizable, [long, put(1, B, 1), saw(3, A, 0), saw(5, B, 1), saw(7, A, 0)]);
    }

    #[test]
    fn an_open_operation_takes_effect_once_at_any_time_or_never() {
        let open = op(0, Action::Put(A, Condition::Always), None);
        both_say(Verdict::Linearizable, [open, put(1, B, 0), saw(3, B, 0)]);
        both_say(Verdict::Linearizable, [open, put(1, B, 0), saw(3, B, 0), saw(5, A, 1)]);
        both_say(Verdict::Linearizable, [open, saw(1, A, 0), delete(3), saw_nothing(5)]);
        both_say(Verdict::NotLinearizable, [open, saw(1, A, 0), delete(3), saw_nothing(5), saw(7, A, 1)]);
        let late = op(5, Action::Put(A, Condition::Always), None);
        both_say(Verdict::NotLinearizable, [put(0, B, 0), saw(2, A, 1), late]);
    }

    #[test]
    fn a_put_that_lands_twice_needs_an_open_operation_besides_it() {
        let twice = op(0, Action::Put(A, Condition::Always), Some((9, Outcome::Stored(Token(1)))));
        let duplicate = op(0, Action::Put(A, Condition::Always), None);
        let seen = [saw(1, A, 0), delete(3), saw_nothing(5), saw(7, A, 1)];
        both_say(Verdict::NotLinearizable, [twice].into_iter().chain(seen));
        both_say(Verdict::Linearizable, [twice, duplicate].into_iter().chain(seen));
    }

    #[test]
    fn a_version_is_of_one_write() {
        both_say(Verdict::NotLinearizable, [put(0, A, 0), put(2, B, 0)]);
        both_say(Verdict::NotLinearizable, [put(0, A, 0), delete(2), put(4, B, 0)]);
        both_say(Verdict::NotLinearizable, [put(0, A, 0), saw(2, A, 1)]);
        let add = |at, sum| done(at, Action::Add(1), Outcome::Sum(sum));
        let one = Written::Number(1);
        both_say(Verdict::Linearizable, [add(0, 1), saw(2, one, 0), delete(4), add(6, 1), saw(8, one, 1)]);
        both_say(Verdict::NotLinearizable, [add(0, 1), saw(2, one, 0), delete(4), add(6, 1), saw(8, one, 0)]);
    }

    #[test]
    fn a_refusal_shows_why() {
        let refused = |condition, sight| done(2, Action::Put(B, condition), Outcome::Refused(sight));
        let there = Sight::Entry(Some(A), Some(Token(0)));
        for sight in [there, Sight::NotShown] {
            both_say(Verdict::Linearizable, [put(0, A, 0), refused(Condition::IfAbsent, sight)]);
        }
        both_say(Verdict::Linearizable, [put(0, A, 0), refused(Condition::IfVersion(Token(1)), there)]);
        both_say(Verdict::NotLinearizable, [put(0, A, 0), refused(Condition::IfAbsent, Sight::Absent)]);
        for sight in [there, Sight::NotShown, Sight::Absent] {
            both_say(Verdict::NotLinearizable, [refused(Condition::IfAbsent, sight)]);
            both_say(
                Verdict::NotLinearizable,
                [put(0, A, 0), refused(Condition::IfVersion(Token(0)), sight)],
            );
            both_say(Verdict::NotLinearizable, [put(0, A, 0), refused(Condition::Always, sight)]);
        }
    }

    #[test]
    fn additions_add_up() {
        let add = |at, sum| done(at, Action::Add(2), Outcome::Sum(sum));
        let no_counter = |at| done(at, Action::Add(2), Outcome::NoCounter);
        both_say(Verdict::Linearizable, [put(0, Written::Number(5), 0), add(2, 7), add(4, 9)]);
        both_say(Verdict::NotLinearizable, [add(0, 2), add(2, 2)]);
        both_say(Verdict::Linearizable, [put(0, A, 0), no_counter(2), saw(4, A, 0)]);
        both_say(Verdict::NotLinearizable, [put(0, A, 0), add(2, 2)]);
        both_say(Verdict::NotLinearizable, [no_counter(0)]);
    }
}
