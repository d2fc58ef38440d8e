//! What is the gateway's own in these tests.

pub(crate) use integration_tests::gateway::Served as Place;
use integration_tests::proxy::{Answer, Exchange, Fault};

use crate::anywhere::Named;
use crate::op::Op;

/// The server that the proxy stands before.
pub(crate) fn upstream(place: &Place) -> String {
    place.url().to_owned()
}

/// The requests behind `get`, a page of a scan and `get_many`.
pub(crate) const GET: &str = "get";
pub(crate) const SCAN: &str = "scan";
pub(crate) const GET_MANY: &str = "get-batch";

/// What leaves nothing, or finds nothing, leaves no trace to tell it by: it may have been done and undone since.
pub(crate) const TRACELESS: &[&str] =
    &["DeleteVersion (", "Increment (absent)", "Swap (absent)", "Touch (absent)", "TouchVersion (absent)"];

/// The request behind a write of what is there, or is not.
pub(crate) fn request(op: Op, _is_there: bool) -> &'static str {
    match op {
        Op::Put | Op::Create | Op::Swap | Op::Touch | Op::TouchVersion | Op::Delete | Op::DeleteVersion => {
            "write"
        }
        Op::Increment => "increment",
        Op::PutMany | Op::DeleteMany => "write-batch",
    }
}

/// Whether a request is about a key.
pub(crate) fn is_about(exchange: &Exchange, key: &str) -> bool {
    String::from_utf8_lossy(&exchange.request).contains(key)
}

pub(crate) fn throttled() -> Answer {
    Answer::gateway(429, "RATE_LIMITED")
}

/// The faults of its own.
pub(crate) fn faults() -> Vec<Named> {
    vec![
        ("502 after it was done", vec![Fault::AnswerAfter(Answer::status(502))], false),
        ("504 after it was done", vec![Fault::AnswerAfter(Answer::status(504))], false),
        ("429 after it was done", vec![Fault::AnswerAfter(Answer::status(429))], false),
        ("200 of another server after it was done", vec![Fault::AnswerAfter(Answer::status(200))], false),
        ("500 after it was done", vec![Fault::AnswerAfter(Answer::gateway(500, "AMBIGUOUS"))], false),
        ("500 and nothing done", vec![Fault::Answer(Answer::gateway(500, "INTERNAL"))], false),
        ("draining", vec![Fault::Answer(Answer::gateway(503, "UNAVAILABLE"))], true),
    ]
}
