//! What is Azure's own in these tests.

use integration_tests::proxy::{Answer, Exchange, Fault};
pub(crate) use integration_tests::tables::Table as Place;
use larder_conformance::emulator;

use crate::anywhere::Named;
use crate::op::Op;

/// The server that the proxy stands before.
pub(crate) fn upstream(_: &Place) -> String {
    emulator("azurite")
}

/// The requests behind `get`, a page of a scan and `get_many`.
pub(crate) const GET: &str = "GET";
pub(crate) const SCAN: &str = "GET";
pub(crate) const GET_MANY: &str = "GET";

/// What leaves nothing, or finds nothing, leaves no trace to tell it by: it may have been done and undone since.
pub(crate) const TRACELESS: &[&str] =
    &["DeleteVersion (", "Increment (absent)", "Swap (absent)", "Touch (absent)", "TouchVersion (absent)"];

/// The request behind a write of what is there, or is not.
pub(crate) fn request(op: Op, is_there: bool) -> &'static str {
    match op {
        Op::Put | Op::Swap => "PUT",
        Op::Increment if is_there => "PUT",
        Op::Create | Op::PutMany | Op::Increment => "POST",
        Op::Touch | Op::TouchVersion => "MERGE",
        Op::Delete | Op::DeleteVersion | Op::DeleteMany => "DELETE",
    }
}

/// Whether a request is about a key: in the path of a row, or in the body of an insert.
pub(crate) fn is_about(exchange: &Exchange, key: &str) -> bool {
    exchange.path.contains(&format!("RowKey='{key}'"))
        || String::from_utf8_lossy(&exchange.request).contains(&format!("\"{key}\""))
}

pub(crate) fn throttled() -> Answer {
    Answer::tables(503, "ServerBusy")
}

/// The faults of its own.
pub(crate) fn faults() -> Vec<Named> {
    vec![
        ("500 after it was done", vec![Fault::AnswerAfter(Answer::tables(500, "OperationTimedOut"))], false),
        ("500 and nothing done", vec![Fault::Answer(Answer::tables(500, "InternalError"))], false),
        ("429", vec![Fault::Answer(Answer::status(429))], true),
    ]
}
