//! The gateway over an embedded store, beside a bare axum handler that answers with as many bytes.
//!
//! Both are processes of their own, and `wrk` loads them over loopback.

mod bare;
mod load;
mod memory;
mod server;

use std::path::Path;

pub(crate) use self::bare::serve as be_bare;

use self::load::{Figure, Load};
use self::server::{Access, Server};
use crate::Outcome;
use crate::report::Row;
use crate::runner::{Case, Goal, Plan, worker};
use crate::sled_suite::store;

/// What the names of this suite's measurements begin with.
pub(crate) const PREFIX: &str = "gateway:";
const SUITE: &str = "gateway";

/// Entries of the store, and bytes of their values.
const ENTRIES: usize = 10_000;
const VALUE_BYTES: usize = 1_024;

const MANY: usize = 64;

/// How long a server is loaded before it is measured, and how long it is measured, in seconds.
type Seconds = (u32, u32);
/// At first a store reads its pages from disk.
const FIRST: Seconds = (0, 1);
const LATER: Seconds = (1, 3);

const RATE: Goal = Goal { text: "≥ 0.6 ×", reached: |ours, theirs| ours >= 0.6 * theirs };
/// Room for what allocators keep; a leak of 64 bytes a request is hundreds of MiB by then.
const LEVEL: Goal = Goal { text: "≤ bare + 16 MiB", reached: |ours, theirs| ours <= theirs + 16.0 };

const CASES: &[Case<'static>] = &[
    case("GET of 1 KiB, 64 connections", "gateway:rate", "requests/s", Some(RATE)),
    case("the same from one thread of wrk", "gateway:rate-one", "requests/s", None),
    case("the same in the first second after a start", "gateway:rate-first", "requests/s", None),
    case("the same with an API key", "gateway:rate-key", "requests/s", None),
    case("GET of 1 KiB, 1 connection, median", "gateway:p50", "µs", None),
    case("GET of 1 KiB, 1 connection, 99th percentile", "gateway:p99", "µs", None),
];

const fn case(
    name: &'static str,
    kind: &'static str,
    unit: &'static str,
    goal: Option<Goal>,
) -> Case<'static> {
    Case { name, ours: kind, theirs: kind, unit, goal, suite: SUITE }
}

/// Measures every case of the plan; memory for so many minutes.
pub(crate) fn run(plan: &Plan, minutes: u32) -> Outcome<Vec<Row>> {
    let memory = format!("gateway:memory/{minutes}");
    let name =
        format!("memory from the middle to the end of {minutes} minutes of load, a tenth of it writes");
    let memory =
        Case { name: &name, ours: &memory, theirs: &memory, unit: "MiB", goal: Some(LEVEL), suite: SUITE };
    let cases: Vec<_> = CASES.iter().filter(|case| plan.has(case)).collect();
    if cases.is_empty() && !plan.has(&memory) {
        return Ok(Vec::new());
    }
    load::check()?;
    // Beside the program: a temporary directory may be in memory, where a sync costs nothing.
    let program = std::env::current_exe()?;
    let dir = tempfile::tempdir_in(program.parent().unwrap_or(Path::new(".")))?;
    let dir = dir.path();
    worker("gateway:fill", "ours", dir)?;
    let mut rows = cases.into_iter().map(|case| case.run(plan, dir)).collect::<Outcome<Vec<_>>>()?;
    if plan.has(&memory) {
        // Once: it takes long enough.
        rows.push(memory.run(&plan.once(), dir)?);
    }
    Ok(rows)
}

/// Measures one side of a case.
pub(crate) fn measure(case: &str, side: &str, dir: &Path) -> Outcome<f64> {
    let store = dir.join("gateway");
    let start = |access| if side == "ours" { Server::larder(&store, access) } else { Server::bare() };
    if let Some(minutes) = case.strip_prefix("memory/") {
        return memory::growth(&start(Access::Everybody)?, minutes.parse()?, dir);
    }
    let load_by = |threads, access, connections, (before, measured): Seconds, figure| {
        let server = start(access)?;
        let load = |seconds| Load { server: &server, connections, threads, seconds }.run(figure, dir);
        if before > 0 {
            load(before)?;
        }
        load(measured)
    };
    // As many threads as wrk has unless told. Where there are two cores, they take turns with the server's.
    let load = |access, connections: usize, seconds, figure| {
        load_by(connections.min(2), access, connections, seconds, figure)
    };
    match case {
        "fill" => store::fill(&store, ENTRIES, VALUE_BYTES),
        "rate" => load(Access::Everybody, MANY, LATER, Figure::Rate),
        "rate-one" => load_by(1, Access::Everybody, MANY, LATER, Figure::Rate),
        "rate-first" => load(Access::Everybody, MANY, FIRST, Figure::Rate),
        "rate-key" => load(Access::Keys, MANY, LATER, Figure::Rate),
        "p50" => load(Access::Everybody, 1, LATER, Figure::Median),
        "p99" => load(Access::Everybody, 1, LATER, Figure::Tail),
        _ => Err(format!("there is no case {case:?}").into()),
    }
}
