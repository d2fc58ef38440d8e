//! The first checker: stateright's, which tries the orders one by one, task by task.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use stateright::semantics::{ConsistencyTester, LinearizabilityTester, SequentialSpec};

use super::history::{Action, Event, History, Outcome};
use super::judgement::Verdict;
use super::spec::State;

/// So many places the search may come to before it is given up.
const PLACES: usize = 200_000;

/// Where a search is: what it has done, one bit for each operation, and the state after it.
type Place = (u128, State);

/// The key as the checker plays it.
///
/// The tester forgets what it has tried: two orders of the same operations that lead to the same state are followed up
/// both, and so on, for longer than anybody waits. What comes next depends on nothing but the place, and a place that
/// the search comes to again has led to nothing: it would have ended there. So the second visit is refused.
#[derive(Clone, Debug)]
struct Key {
    done: u128,
    /// `None` once the search is to turn back.
    state: Option<State>,
    visited: Arc<Mutex<HashSet<Place>>>,
}

impl Key {
    /// Goes on to the state after an operation, if that is a place where the search has not been.
    fn go(&mut self, op: usize, next: Option<State>) -> bool {
        self.done |= 1 << op;
        let mut visited = self.visited.lock().unwrap_or_else(PoisonError::into_inner);
        self.state = next.filter(|state| visited.len() < PLACES && visited.insert((self.done, *state)));
        self.state.is_some()
    }
}

impl SequentialSpec for Key {
    /// Which operation it is, and what it is.
    type Op = (usize, Action);
    /// `None` is what an open operation is told.
    type Ret = Option<Outcome>;

    /// An open operation takes effect. The tester cannot be told here to turn back, and is at the next step.
    fn invoke(&mut self, (op, action): &Self::Op) -> Self::Ret {
        let next = self.state.map(|state| state.after_unknown(*action));
        self.go(*op, next);
        None
    }

    fn is_valid_step(&mut self, (op, action): &Self::Op, outcome: &Self::Ret) -> bool {
        let next = self.state.zip(*outcome).and_then(|(state, outcome)| state.after(*action, outcome));
        self.go(*op, next)
    }
}

/// Checks a history.
pub(super) fn check(history: &History) -> Verdict {
    assert!(history.ops.len() <= 128, "a history is too long: its operations are told apart by 128 bits");
    let visited = Arc::new(Mutex::new(HashSet::new()));
    let key = Key { done: 0, state: Some(State::default()), visited: Arc::clone(&visited) };
    let mut tester = LinearizabilityTester::new(key);
    // An open operation never returns, while its task goes on. It has a thread of its own after those of the tasks.
    // What the task did before still comes before it: that had returned.
    let tasks = history.ops.iter().map(|op| op.task + 1).max().unwrap_or_default();
    let thread = |op: usize| match history.ops[op].ended {
        Some(_) => history.ops[op].task,
        None => tasks + op,
    };
    for event in history.events() {
        let noted = match event {
            Event::Invoked(op) => tester.on_invoke(thread(op), (op, history.ops[op].action)),
            Event::Ended(op) => {
                tester.on_return(thread(op), history.ops[op].ended.map(|(_, outcome)| outcome))
            }
        };
        noted.expect("a task has one operation under way at a time");
    }
    let is_consistent = tester.is_consistent();
    let is_given_up = visited.lock().unwrap_or_else(PoisonError::into_inner).len() >= PLACES;
    match (is_consistent, is_given_up) {
        (true, _) => Verdict::Linearizable,
        (false, true) => Verdict::Undecided,
        (false, false) => Verdict::NotLinearizable,
    }
}
