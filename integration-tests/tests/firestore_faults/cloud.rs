//! What is Firestore's own in these tests.

pub(crate) use integration_tests::firestore::Collection as Place;
use integration_tests::proxy::{Answer, Exchange, Fault};
use larder_conformance::emulator;

use crate::anywhere::Named;
use crate::op::Op;

/// The server that the proxy stands before.
pub(crate) fn upstream(_: &Place) -> String {
    emulator("hidane")
}

/// The requests behind `get`, a page of a scan and `get_many`.
pub(crate) const GET: &str = "BatchGetDocuments";
pub(crate) const SCAN: &str = "RunQuery";
pub(crate) const GET_MANY: &str = "BatchGetDocuments";

/// What leaves nothing, or finds nothing, leaves no trace to tell it by: it may have been done and undone since.
pub(crate) const TRACELESS: &[&str] =
    &["DeleteVersion (", "Increment (absent)", "Swap (absent)", "TouchVersion (absent)"];

/// The request behind a write of what is there, or is not.
pub(crate) fn request(op: Op, _is_there: bool) -> &'static str {
    match op {
        Op::PutMany | Op::DeleteMany => "BatchWrite",
        _ => "Commit",
    }
}

/// Whether a request is about a key: the documents' names are in it as they are.
pub(crate) fn is_about(exchange: &Exchange, key: &str) -> bool {
    String::from_utf8_lossy(&exchange.request).contains(&format!("/k{key}"))
}

const ABORTED: i32 = 10;
const EXHAUSTED: i32 = 8;
const INTERNAL: i32 = 13;
const UNAVAILABLE: i32 = 14;

pub(crate) fn throttled() -> Answer {
    Answer::grpc(EXHAUSTED, "slow down")
}

/// The faults of its own.
pub(crate) fn faults() -> Vec<Named> {
    vec![
        ("INTERNAL after it was done", vec![Fault::AnswerAfter(Answer::grpc(INTERNAL, ""))], false),
        ("UNAVAILABLE after it was done", vec![Fault::AnswerAfter(Answer::grpc(UNAVAILABLE, ""))], false),
        ("INTERNAL and nothing done", vec![Fault::Answer(Answer::grpc(INTERNAL, ""))], false),
        ("UNAVAILABLE and nothing done", vec![Fault::Answer(Answer::grpc(UNAVAILABLE, ""))], false),
        ("stream refused", vec![Fault::refuse()], true),
        ("429", vec![Fault::Answer(Answer::status(429))], true),
        ("aborted", vec![Fault::Answer(Answer::grpc(ABORTED, ""))], true),
    ]
}
