//! The embedded store beside raw sled.
//!
//! Where both sides only read, they read the same directory: one through Larder, one with sled itself.

pub(crate) mod memory;
mod read;
mod scan;
pub(crate) mod store;
mod sweep;
mod write;

use std::path::Path;

use self::write::WRITES_OF_GROUPS;
use crate::Outcome;
use crate::report::Row;
use crate::runner::{Case, Goal, Plan, worker};

const SUITE: &str = "sled";

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
    for fill in ["fill-1KiB", "fill-24KiB", "fill-100k", "fill-sweep-10k", "fill-sweep-1M"] {
        worker(fill, "ours", dir)?;
    }
    cases.into_iter().map(|case| case.run(plan, dir)).collect()
}

const READ: Goal = Goal { text: "≤ raw + 400 ns", reached: |ours, theirs| ours <= theirs + 400.0 };
const SCAN: Goal = Goal { text: "≤ 1.6 ×", reached: |ours, theirs| ours <= 1.6 * theirs };

const BY_HAND: Goal = Goal { text: "≤ 1.25 ×", reached: |ours, theirs| ours <= 1.25 * theirs };

const CASES: &[Case<'static>] = &[
    Case {
        name: "point read, 1 KiB",
        ours: "read-1KiB",
        theirs: "read-1KiB",
        unit: "ns",
        goal: Some(READ),
        suite: SUITE,
    },
    Case {
        name: "point read, 24 KiB",
        ours: "read-24KiB",
        theirs: "read-24KiB",
        unit: "ns",
        goal: Some(READ),
        suite: SUITE,
    },
    Case {
        name: "64 durable writers, beside a writer with one flush each",
        ours: "group-commit",
        theirs: "flush-each",
        unit: "writes/s",
        goal: Some(Goal { text: "≥ 10 ×", reached: |ours, theirs| ours >= 10.0 * theirs }),
        suite: SUITE,
    },
    Case {
        name: "64 durable writers, beside a bare group commit",
        ours: "group-commit",
        theirs: "group-commit",
        unit: "writes/s",
        goal: Some(Goal { text: "≥ 1/1.15 ×", reached: |ours, theirs| ours * 1.15 >= theirs }),
        suite: SUITE,
    },
    Case {
        name: "64 durable writers, beside 64 threads that flush at once",
        ours: "group-commit",
        theirs: "flush-at-once",
        unit: "writes/s",
        goal: None,
        suite: SUITE,
    },
    Case {
        name: "scan of 100,000 keys",
        ours: "scan-keys-100k",
        theirs: "scan-100k",
        unit: "ms",
        goal: Some(SCAN),
        suite: SUITE,
    },
    Case {
        name: "scan of 100,000 entries with their values",
        ours: "scan-100k",
        theirs: "scan-100k",
        unit: "ms",
        goal: None,
        suite: SUITE,
    },
    Case {
        name: "sweep of 1,000 among 1,000,000, beside among 10,000",
        ours: "sweep-1M",
        theirs: "sweep-10k",
        unit: "ms",
        goal: Some(Goal { text: "the same (± 25 %)", reached: |ours, theirs| ours <= 1.25 * theirs }),
        suite: SUITE,
    },
    Case {
        name: "the same, spread among all the live ones",
        ours: "sweep-spread-1M",
        theirs: "sweep-spread-10k",
        unit: "ms",
        goal: None,
        suite: SUITE,
    },
    Case {
        name: "the same by hand in raw sled",
        ours: "remove-raw-1M",
        theirs: "remove-raw-10k",
        unit: "ms",
        goal: None,
        suite: SUITE,
    },
    Case {
        name: "sweep of 1,000 among 10,000, beside by hand in raw sled",
        ours: "sweep-10k",
        theirs: "remove-raw-10k",
        unit: "ms",
        goal: Some(BY_HAND),
        suite: SUITE,
    },
    Case {
        name: "sweep of 1,000 among 1,000,000, beside by hand in raw sled",
        ours: "sweep-1M",
        theirs: "remove-raw-1M",
        unit: "ms",
        goal: Some(BY_HAND),
        suite: SUITE,
    },
    Case {
        name: "memory of a streamed scan of 1,000,000 entries",
        ours: "memory-1M",
        theirs: "memory-1M",
        unit: "MiB",
        goal: Some(Goal { text: "< raw + 32 MiB", reached: |ours, theirs| ours < theirs + 32.0 }),
        suite: SUITE,
    },
];

/// Expired entries as services have them: under a prefix of their own.
fn session(number: usize) -> String {
    format!("session:{number:08}")
}

/// Expired entries spread evenly among all the live ones, each on a page of its own in a large store.
fn spread(entries: usize) -> impl Fn(usize) -> String {
    move |number| format!("{}-expires", store::key(number * (entries / sweep::EXPIRED)))
}

/// Measures one side of a case.
pub(crate) fn measure(case: &str, side: &str, dir: &Path) -> Outcome<f64> {
    let ours = side == "ours";
    match case {
        "fill-1KiB" => store::fill(&dir.join("1KiB"), 10_000, 1_024),
        "fill-24KiB" => store::fill(&dir.join("24KiB"), 1_000, 24_576),
        "fill-100k" => store::fill(&dir.join("100k"), 100_000, 100),
        "fill-sweep-10k" => store::fill(&dir.join("sweep-10k"), 10_000, 100),
        "fill-sweep-1M" => store::fill(&dir.join("sweep-1M"), 1_000_000, 100),
        "read-1KiB" => read::run(&dir.join("1KiB"), 10_000, ours),
        "read-24KiB" => read::run(&dir.join("24KiB"), 1_000, ours),
        "flush-each" => write::bare_writer(1, 20, dir),
        "flush-at-once" => write::flush_at_once(dir),
        "group-commit" if ours => write::larder(dir),
        "group-commit" => write::bare_writer(512, WRITES_OF_GROUPS, dir),
        "scan-100k" => scan::run(&dir.join("100k"), ours),
        "scan-keys-100k" => scan::keys(&dir.join("100k")),
        "sweep-10k" => sweep::run(&dir.join("sweep-10k"), session),
        "sweep-1M" => sweep::run(&dir.join("sweep-1M"), session),
        "sweep-spread-10k" => sweep::run(&dir.join("sweep-10k"), spread(10_000)),
        "sweep-spread-1M" => sweep::run(&dir.join("sweep-1M"), spread(1_000_000)),
        "remove-raw-10k" => sweep::raw(&dir.join("sweep-10k"), session),
        "remove-raw-1M" => sweep::raw(&dir.join("sweep-1M"), session),
        "memory-1M" => memory::run(&dir.join("sweep-1M"), ours),
        _ => Err(format!("there is no case {case:?}").into()),
    }
}
