//! The embedded store beside raw sled.
//!
//! Where both sides only read, they read the same directory: one through Larder, one with sled itself.

mod memory;
mod read;
mod scan;
mod store;
mod sweep;
mod write;

use std::path::Path;

use crate::Outcome;
use crate::report::Row;
use crate::runner::{Case, worker};

const SUITE: &str = "sled";

/// Measures every case.
pub(crate) fn run(rounds: usize) -> Outcome<Vec<Row>> {
    let dir = tempfile::tempdir()?;
    let dir = dir.path();
    let mut rows = Vec::new();
    for size in ["1KiB", "24KiB"] {
        worker(&format!("fill-{size}"), "ours", dir)?;
        let case = format!("read-{size}");
        let name = format!("point read, {size}");
        let case = Case {
            suite: SUITE,
            name: &name,
            ours: &case,
            theirs: &case,
            unit: "ns",
            goal: "≤ raw + 400 ns",
            reached: |ours, theirs| ours <= theirs + 400.0,
        };
        rows.push(case.run(rounds, dir)?);
    }
    for (name, theirs, goal, reached) in [
        (
            "64 durable writers beside one flush each",
            "flush-each",
            "≥ 10 ×",
            (|ours, theirs| ours >= 10.0 * theirs) as fn(f64, f64) -> bool,
        ),
        ("64 durable writers beside a bare group commit", "group-commit", "≥ 1/1.15 ×", |ours, theirs| {
            ours * 1.15 >= theirs
        }),
    ] {
        let case = Case { suite: SUITE, name, ours: "group-commit", theirs, unit: "writes/s", goal, reached };
        rows.push(case.run(rounds, dir)?);
    }
    worker("fill-100k", "ours", dir)?;
    for (name, ours) in [("scan of 100,000 entries", "scan-100k"), ("scan of 100,000 keys", "scan-keys-100k")]
    {
        let case = Case {
            suite: SUITE,
            name,
            ours,
            theirs: "scan-100k",
            unit: "ms",
            goal: "≤ 1.6 ×",
            reached: |ours, theirs| ours <= 1.6 * theirs,
        };
        rows.push(case.run(rounds, dir)?);
    }
    worker("fill-sweep-10k", "ours", dir)?;
    worker("fill-sweep-1M", "ours", dir)?;
    let case = Case {
        suite: SUITE,
        name: "sweep of 1,000 among 1,000,000, beside among 10,000",
        ours: "sweep-1M",
        theirs: "sweep-10k",
        unit: "ms",
        goal: "the same (± 25 %)",
        reached: |ours, theirs| ours <= 1.25 * theirs,
    };
    rows.push(case.run(rounds, dir)?);
    let case = Case {
        suite: SUITE,
        name: "memory of a streamed scan of 1,000,000 entries",
        ours: "memory-1M",
        theirs: "memory-1M",
        unit: "MiB",
        goal: "< raw + 32 MiB",
        reached: |ours, theirs| ours < theirs + 32.0,
    };
    rows.push(case.run(rounds, dir)?);
    Ok(rows)
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
        "flush-each" => write::flush_each(),
        "group-commit" if ours => write::larder(),
        "group-commit" => write::bare_group_commit(),
        "scan-100k" => scan::run(&dir.join("100k"), ours),
        "scan-keys-100k" => scan::keys(&dir.join("100k")),
        "sweep-10k" => sweep::run(&dir.join("sweep-10k")),
        "sweep-1M" => sweep::run(&dir.join("sweep-1M")),
        "memory-1M" => memory::run(&dir.join("sweep-1M"), ours),
        _ => Err(format!("there is no case {case:?}").into()),
    }
}
