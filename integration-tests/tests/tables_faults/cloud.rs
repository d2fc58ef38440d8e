//! A table, a proxy before it, and a handle on each side; and what is Azure's own in these tests.

use std::time::Duration;

use integration_tests::proxy::{Answer, Exchange, Fault, FaultProxy};
use integration_tests::tables::Table;
use larder_conformance::emulator;
use larder_core::Kv;

use crate::op::{Op, PAUSE};

const EMULATOR: &str = "azurite";

/// The requests behind `get`, a page of a scan and `get_many`.
pub(crate) const GET: &str = "GET";
pub(crate) const SCAN: &str = "GET";
pub(crate) const GET_MANY: &str = "GET";

/// What leaves nothing, or finds nothing, leaves no trace to tell it by: it may have been done and undone since.
pub(crate) const TRACELESS: &[&str] =
    &["DeleteVersion (", "Increment (absent)", "Swap (absent)", "Touch (absent)", "TouchVersion (absent)"];

pub(crate) struct Bench {
    pub(crate) proxy: FaultProxy,
    pub(crate) place: Table,
    /// Through the proxy.
    pub(crate) kv: Kv,
    /// Past it.
    pub(crate) truth: Kv,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let proxy = FaultProxy::start(env!("CARGO_BIN_EXE_fault-proxy"), &emulator(EMULATOR));
        let table = Table::create().await;
        let kv = table.handle(proxy.url()).await;
        kv.exists("warm").await.expect("it works");
        Self { kv, truth: table.direct().await, place: table, proxy }
    }

    /// One more way through a proxy of its own, whose log holds nobody else's requests.
    pub(crate) async fn lane(&self) -> (FaultProxy, Kv) {
        let proxy = FaultProxy::start(env!("CARGO_BIN_EXE_fault-proxy"), &emulator(EMULATOR));
        let kv = self.place.handle(proxy.url()).await;
        kv.exists("warm").await.expect("it works");
        (proxy, kv)
    }

    pub(crate) fn pause(&self) {
        self.place.clock().advance(PAUSE);
    }
}

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

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
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
