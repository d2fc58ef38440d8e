//! `larder copy`, as a process of its own, from its start to its end.

mod clouds;
mod local;
mod program;

use std::path::Path;

pub(crate) use self::program::be_larder;

use crate::Outcome;
use crate::report::Row;
use crate::runner::{Case, Goal, Plan, worker};

/// What the names of this suite's measurements begin with.
pub(crate) const PREFIX: &str = "copy:";
const SUITE: &str = "copy";

const RATE: Goal = Goal { text: "≥ 50,000", reached: |ours, _| ours >= 50_000.0 };
const BATCHED: Goal = Goal { text: "≥ 20 ×", reached: |ours, theirs| ours >= 20.0 * theirs };
const SLOPE: Goal = Goal { text: "≤ raw + 32 MiB", reached: |ours, theirs| ours <= theirs + 32.0 };

const CASES: &[Case<'static>] = &[
    Case {
        name: "200,000 entries of 100 B between two embedded stores, beside raw sled",
        ours: "copy:local-200k",
        theirs: "copy:local-200k",
        unit: "entries/s",
        goal: Some(RATE),
        suite: SUITE,
    },
    Case {
        name: "memory that 1,000,000 entries take more than 200,000, beside raw sled",
        ours: "copy:memory",
        theirs: "copy:memory",
        unit: "MiB",
        goal: Some(SLOPE),
        suite: SUITE,
    },
    to_cloud("to DynamoDB, 20 ms away, beside one at a time", "copy:far/dynamodb"),
    to_cloud("to Firestore, 20 ms away, beside one at a time", "copy:far/firestore"),
    to_cloud("to Azure Tables, 20 ms away, beside one at a time", "copy:far/tables"),
];

const fn to_cloud(name: &'static str, kind: &'static str) -> Case<'static> {
    Case { name, ours: kind, theirs: kind, unit: "entries/s", goal: Some(BATCHED), suite: SUITE }
}

/// Measures every case of the plan.
pub(crate) fn run(plan: &Plan) -> Outcome<Vec<Row>> {
    let cases: Vec<_> = CASES.iter().filter(|case| plan.has(case)).collect();
    if cases.is_empty() {
        return Ok(Vec::new());
    }
    // Beside the program: a temporary directory may be in memory, where a sync costs nothing.
    let program = std::env::current_exe()?;
    let dir = tempfile::tempdir_in(program.parent().unwrap_or(Path::new(".")))?;
    let dir = dir.path();
    for fill in ["copy:fill-10k", "copy:fill-200k", "copy:fill-1M"] {
        worker(fill, "ours", dir)?;
    }
    cases.into_iter().map(|case| case.run(plan, dir)).collect()
}

/// Measures one side of a case.
pub(crate) fn measure(case: &str, side: &str, dir: &Path) -> Outcome<f64> {
    let ours = side == "ours";
    match case {
        "fill-10k" => local::fill(dir, 10_000),
        "fill-200k" => local::fill(dir, 200_000),
        "fill-1M" => local::fill(dir, 1_000_000),
        "local-200k" => local::rate(dir, 200_000, ours),
        "memory" => local::slope(dir, 200_000, 1_000_000, ours),
        // One side of the above.
        "raw-memory-200k" => local::raw_memory(dir, 200_000),
        "raw-memory-1M" => local::raw_memory(dir, 1_000_000),
        _ => match case.strip_prefix("far/") {
            Some(cloud) => clouds::far(cloud, dir, ours),
            None => Err(format!("there is no case {case:?}").into()),
        },
    }
}
