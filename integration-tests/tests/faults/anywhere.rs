//! The faults of any network and any server.

use integration_tests::proxy::{Answer, Fault};

use crate::bench::ms;
use crate::cloud::{self, throttled};

/// What a fault is called, what it does, and whether it tells the client for certain that nothing was done.
pub(crate) type Named = (&'static str, Vec<Fault>, bool);

/// The faults of any server, and those of the cloud's own.
pub(crate) fn faults() -> Vec<Named> {
    let mut faults = vec![
        ("request dropped", vec![Fault::DropRequest], false),
        ("reset", vec![Fault::reset()], false),
        ("reply dropped", vec![Fault::DropReply], false),
        ("connection dropped", vec![Fault::DropConnection], false),
        ("reply withheld", vec![Fault::WithholdReply], false),
        ("reply cut short", vec![Fault::CutReply { keep: 1 }], false),
        ("reply late", vec![Fault::DelayReply(ms(50))], false),
        ("request late, beyond the attempt", vec![Fault::DelayRequest(ms(1_500))], false),
        ("503 after it was done", vec![Fault::AnswerAfter(Answer::status(503))], false),
        ("503 and nothing done", vec![Fault::Answer(Answer::status(503))], false),
        ("throttled", vec![Fault::Answer(throttled())], true),
        ("repeated late", vec![Fault::Duplicate(ms(30))], false),
        ("reply dropped and repeated late", vec![Fault::DropReply, Fault::Duplicate(ms(30))], false),
        ("request lost and found again late", vec![Fault::DropRequest, Fault::Duplicate(ms(30))], false),
    ];
    faults.extend(cloud::faults());
    faults
}
