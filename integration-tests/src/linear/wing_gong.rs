//! The second checker: Wing and Gong's search with Lowe's memory of what was tried, from todc-utils.

use todc_utils::{Action as Mark, History as Marks, Specification, WGLChecker};

use super::history::{Action, Event, History, Outcome};
use super::judgement::Verdict;
use super::spec::State;

struct Key;

impl Specification for Key {
    type State = State;
    type Operation = (Action, Option<Outcome>);

    fn init() -> State {
        State::default()
    }

    fn apply((action, outcome): &Self::Operation, state: &State) -> (bool, State) {
        let next = match outcome {
            Some(outcome) => state.after(*action, *outcome),
            None => Some(state.after_unknown(*action)),
        };
        (next.is_some(), next.unwrap_or(*state))
    }
}

/// Checks a history.
///
/// Every operation has to end here. An open one ends behind all others: there it changes nothing that anybody saw,
/// which is as good as never.
pub(super) fn check(history: &History) -> Verdict {
    let operation = |place: usize| {
        let op = &history.ops[place];
        (op.action, op.ended.map(|(_, outcome)| outcome))
    };
    let mut marks: Vec<_> = history
        .events()
        .into_iter()
        .map(|event| match event {
            Event::Invoked(place) => (place, Mark::Call(operation(place))),
            Event::Ended(place) => (place, Mark::Response(operation(place))),
        })
        .collect();
    let open = (0..history.ops.len()).filter(|place| history.ops[*place].ended.is_none());
    marks.extend(open.map(|place| (place, Mark::Response(operation(place)))));
    // The checker cannot be given nothing.
    if marks.is_empty() || WGLChecker::<Key>::is_linearizable(Marks::from_actions(marks)) {
        Verdict::Linearizable
    } else {
        Verdict::NotLinearizable
    }
}
