//! Scripts in worker processes: how many a core runs, and what hostile ones cost the good ones beside them.
//!
//! The store is in memory, so that it is the scripts that are measured.

mod hostile;
mod rate;
mod runs;

use crate::Outcome;
use crate::report::Row;
use crate::runner::{Case, Goal, Plan};

/// What the names of this suite's measurements begin with.
pub(crate) const PREFIX: &str = "scripts:";
const SUITE: &str = "scripts";

const RATE: Goal = Goal { text: "≥ 3,000", reached: |ours, _| ours >= 3_000.0 };
const BESIDE: Goal = Goal { text: "≤ 2 × alone", reached: |ours, theirs| ours <= 2.0 * theirs };

const CASES: &[Case<'static>] = &[
    case(
        "get, loop, put: runs in a second of one core that is busy, beside the same in Rust",
        "scripts:rate",
        "runs/s",
        RATE,
    ),
    case("99th percentile of good runs beside hostile ones, and alone", "scripts:p99", "µs", BESIDE),
];

const fn case(name: &'static str, kind: &'static str, unit: &'static str, goal: Goal) -> Case<'static> {
    Case { name, ours: kind, theirs: kind, unit, goal: Some(goal), suite: SUITE }
}

/// Measures every case of the plan.
pub(crate) fn run(plan: &Plan) -> Outcome<Vec<Row>> {
    let dir = std::env::temp_dir();
    CASES.iter().filter(|case| plan.has(case)).map(|case| case.run(plan, &dir)).collect()
}

/// Measures one side of a case.
pub(crate) fn measure(case: &str, side: &str) -> Outcome<f64> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let is_ours = side == "ours";
    let case = case.to_owned();
    // A task, as requests are.
    let measured = runtime.spawn(async move {
        match case.as_str() {
            "rate" if is_ours => rate::of_scripts().await,
            "rate" => rate::of_rust().await,
            "p99" => hostile::p99(is_ours).await,
            _ => Err(format!("there is no case {case:?}").into()),
        }
    });
    runtime.block_on(measured)?
}
