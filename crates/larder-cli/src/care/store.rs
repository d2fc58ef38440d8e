//! Whether a store answers, by a layout that is understood and a clock that agrees.

use larder::{CheckReport, ErrorKind, Kv, Result};

use super::finding::Finding;

/// The skew that TTLs allow for, in milliseconds (T4).
const SKEW_BOUND_MILLIS: u64 = 2_000;

/// Whether a store has a layout, so that it can be used without settling one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Settled {
    /// It has one, or does not answer.
    Yes,
    /// It is empty, and its first use will make one.
    NotYet,
}

/// Asks the store, and says what its answer means: one finding for each of reachability, layout and clock. Writes nothing:
/// a layout that a check would make is for good, with as many shards as nobody asked for (L2).
pub(crate) async fn look(kv: &Kv) -> (Settled, Vec<Finding>) {
    match kv.stored_layout().await {
        Ok(Some(_)) => (Settled::Yes, findings(&kv.describe(), kv.check().await)),
        Ok(None) => (
            Settled::NotYet,
            vec![
                Finding::good("reachable", format!("{} answers", kv.describe())),
                Finding::good("layout", "not there yet: the store is empty").with_advice(
                    "run `larder up`; or use the store, and it gets the default number of shards",
                ),
                Finding::unknown("clock", "not looked at: that would make a layout"),
            ],
        ),
        Err(error) => (Settled::Yes, findings(&kv.describe(), Err(error))),
    }
}

fn findings(store: &str, answer: Result<CheckReport>) -> Vec<Finding> {
    match answer {
        Ok(report) => vec![
            Finding::good("reachable", format!("{store} answers")),
            Finding::good("layout", "there and understood"),
            clock(report),
        ],
        // It has answered, with a layout that is none or another.
        Err(error) if matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::Corrupt) => vec![
            Finding::good("reachable", format!("{store} answers")),
            Finding::failed("layout", &error),
            Finding::unknown("clock", "not looked at"),
        ],
        Err(error) => vec![
            Finding::failed("reachable", &error),
            Finding::unknown("layout", "not looked at"),
            Finding::unknown("clock", "not looked at"),
        ],
    }
}

fn clock(report: CheckReport) -> Finding {
    let Some(skew) = report.clock_skew_millis else {
        return Finding::good("clock", "the store runs by this machine's");
    };
    let side = if skew < 0 { "behind" } else { "ahead of" };
    let detail = format!("this machine is {} ms {side} the store", skew.unsigned_abs());
    if report.clock_is_within_bound() {
        Finding::good("clock", detail)
    } else {
        let advice = format!(
            "synchronize this machine's clock: beyond {SKEW_BOUND_MILLIS} ms entries expire too early or too late"
        );
        Finding::bad("clock", detail, advice)
    }
}
