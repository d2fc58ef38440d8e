//! What is the gateway's own in these tests.

pub(crate) use integration_tests::gateway::Served as Place;
use integration_tests::proxy::{Answer, Exchange, Fault};

use crate::bench::ms;
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
        ("502 after it was done", vec![Fault::AnswerAfter(Answer::status(502))], false),
        ("504 after it was done", vec![Fault::AnswerAfter(Answer::status(504))], false),
        ("429 after it was done", vec![Fault::AnswerAfter(Answer::status(429))], false),
        ("200 of another server after it was done", vec![Fault::AnswerAfter(Answer::status(200))], false),
        ("500 after it was done", vec![Fault::AnswerAfter(Answer::gateway(500, "AMBIGUOUS"))], false),
        ("500 and nothing done", vec![Fault::Answer(Answer::gateway(500, "INTERNAL"))], false),
        ("503 and nothing done", vec![Fault::Answer(Answer::status(503))], false),
        ("draining", vec![Fault::Answer(Answer::gateway(503, "UNAVAILABLE"))], true),
        ("throttled", vec![Fault::Answer(throttled())], true),
        ("repeated late", vec![Fault::Duplicate(ms(30))], false),
        ("reply dropped and repeated late", vec![Fault::DropReply, Fault::Duplicate(ms(30))], false),
        ("request lost and found again late", vec![Fault::DropRequest, Fault::Duplicate(ms(30))], false),
    ]
}
