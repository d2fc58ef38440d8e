//! What is Azure's own in these tests.

use integration_tests::proxy::{Answer, Exchange, Fault};
pub(crate) use integration_tests::tables::Table as Place;
use larder_conformance::emulator;

use crate::bench::ms;
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

/// A fault, and whether it tells the client for certain that nothing was done.
pub(crate) fn faults() -> Vec<(&'static str, Vec<Fault>, bool)> {
    vec![
        ("request dropped", vec![Fault::DropRequest], false),
        ("connection reset", vec![Fault::reset()], false),
        ("reply dropped", vec![Fault::DropReply], false),
        ("connection dropped", vec![Fault::DropConnection], false),
        ("reply withheld", vec![Fault::WithholdReply], false),
        ("reply cut short", vec![Fault::CutReply { keep: 1 }], false),
        ("reply late", vec![Fault::DelayReply(ms(50))], false),
        ("request late, beyond the attempt", vec![Fault::DelayRequest(ms(1_500))], false),
        ("503 after it was done", vec![Fault::AnswerAfter(Answer::status(503))], false),
        ("500 after it was done", vec![Fault::AnswerAfter(Answer::tables(500, "OperationTimedOut"))], false),
        ("500 and nothing done", vec![Fault::Answer(Answer::tables(500, "InternalError"))], false),
        ("503 and nothing done", vec![Fault::Answer(Answer::status(503))], false),
        ("429", vec![Fault::Answer(Answer::status(429))], true),
        ("throttled", vec![Fault::Answer(throttled())], true),
        ("repeated late", vec![Fault::Duplicate(ms(30))], false),
        ("reply dropped and repeated late", vec![Fault::DropReply, Fault::Duplicate(ms(30))], false),
        ("request lost and found again late", vec![Fault::DropRequest, Fault::Duplicate(ms(30))], false),
    ]
}
