//! What is DynamoDB's own in these tests.

pub(crate) use integration_tests::dynamodb::Table as Place;
use integration_tests::proxy::{Answer, Exchange, Fault};
use larder_conformance::emulator;

use crate::anywhere::Named;
use crate::op::Op;

/// The server that the proxy stands before.
pub(crate) fn upstream(_: &Place) -> String {
    emulator("dynoxide")
}

/// The requests behind `get`, a page of a scan and `get_many`.
pub(crate) const GET: &str = "GetItem";
pub(crate) const SCAN: &str = "Query";
pub(crate) const GET_MANY: &str = "BatchGetItem";

/// What leaves nothing, or finds nothing, leaves no trace to tell it by: it may have been done and undone since.
pub(crate) const TRACELESS: &[&str] =
    &["DeleteVersion (", "Increment (absent)", "Swap (absent)", "Touch (absent)", "TouchVersion (absent)"];

/// The request behind a write of what is there, or is not.
pub(crate) fn request(op: Op, _is_there: bool) -> &'static str {
    match op {
        Op::Put | Op::Create | Op::Swap => "PutItem",
        Op::Touch | Op::TouchVersion | Op::Increment => "UpdateItem",
        Op::Delete | Op::DeleteVersion => "DeleteItem",
        Op::PutMany | Op::DeleteMany => "BatchWriteItem",
    }
}

/// Whether a request is about a key.
pub(crate) fn is_about(exchange: &Exchange, key: &str) -> bool {
    String::from_utf8_lossy(&exchange.request).contains(&format!("\"{key}\""))
}

pub(crate) fn throttled() -> Answer {
    Answer::dynamodb(400, "ProvisionedThroughputExceededException", "slow down")
}

/// The faults of its own.
pub(crate) fn faults() -> Vec<Named> {
    vec![
        (
            "500 after it was done",
            vec![Fault::AnswerAfter(Answer::dynamodb(500, "InternalServerError", ""))],
            false,
        ),
        (
            "500 and nothing done",
            vec![Fault::Answer(Answer::dynamodb(500, "InternalServerError", ""))],
            false,
        ),
        ("429", vec![Fault::Answer(Answer::status(429))], true),
    ]
}
