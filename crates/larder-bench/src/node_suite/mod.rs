//! The TypeScript SDK: in-process beside what crossing the boundary costs, over HTTP beside a bare client.
//!
//! The package is measured as it was built in `crates/larder-node` (`npm ci`, `npm run build -- --release`), by scripts that
//! go from one side to the other every few milliseconds.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::Outcome;
use crate::report::Row;
use crate::runner::{Case, Goal, Plan};

/// What the names of this suite's measurements begin with.
pub(crate) const PREFIX: &str = "node:";
const SUITE: &str = "node";
/// The case that is a limit, and no comparison.
const STOPS: &str = "node:event-loop";

const GET: Goal = Goal { text: "≤ 2.5 ×", reached: |ours, theirs| ours <= 2.5 * theirs };
/// A twentieth for noise.
const CONCURRENT: Goal = Goal { text: "≤ 1.05 ×", reached: |ours, theirs| ours <= 1.05 * theirs };
const SCAN: Goal = Goal { text: "≤ 0.1 ×", reached: |ours, theirs| ours <= 0.1 * theirs };
const HTTP: Goal = Goal { text: "≤ 1.2 ×", reached: |ours, theirs| ours <= 1.2 * theirs };
const STOP: Goal = Goal { text: "≤ 5 ms", reached: |ours, _| ours <= 5.0 };

const CASES: &[Case<'static>] = &[
    case("get of 1 KiB in-process, beside an empty async call", "node:get", "µs", Some(GET)),
    case("64 gets at once, beside one after the other", "node:concurrent", "µs", Some(CONCURRENT)),
    case("entry of a scan of 10,000, beside the same with a call for each", "node:scan", "µs", Some(SCAN)),
    case("the same, beside a call for each that knows its key", "node:known", "µs", None),
    case("get of 1 KiB over HTTP, beside a bare fetch", "node:http", "µs", Some(HTTP)),
    case(
        "stop of the event loop without the collector, in a middle round of the worst call, beside an idle one",
        STOPS,
        "ms",
        Some(STOP),
    ),
];

const fn case(
    name: &'static str,
    kind: &'static str,
    unit: &'static str,
    goal: Option<Goal>,
) -> Case<'static> {
    Case { name, ours: kind, theirs: kind, unit, goal, suite: SUITE }
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
    script("fill", dir.path())?;
    let measured = |case: &Case<'_>| match case.ours {
        STOPS => case.run_longest(plan, dir.path()),
        _ => case.run_together(plan, dir.path()),
    };
    cases.into_iter().map(measured).collect()
}

/// Measures both sides of a case.
pub(crate) fn measure(case: &str, dir: &Path) -> Outcome<String> {
    script(case, dir)
}

/// Runs the package's own script, and returns what it printed.
fn script(case: &str, dir: &Path) -> Outcome<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../larder-node/bench/run.mjs");
    let output = Command::new("node")
        .arg(script)
        .arg(case)
        .arg(dir)
        .env("LARDER_BENCH", std::env::current_exe()?)
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        let advice = "was the package built? In crates/larder-node: npm ci && npm run build -- --release";
        return Err(format!("the measurement of {case} failed; {advice}").into());
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
