//! Larder beside the raw stores and SDKs, measured in one run.
//!
//! `cargo run --release -p larder-bench -- [SUITE…] [--only TEXT] [--json FILE]`. Each measurement is a process of its own,
//! the two sides of a case take turns, and the medians are compared: machines are noisy, ratios of one run mean more than
//! times.

mod clouds_suite;
mod copy_suite;
mod gateway_suite;
mod node_suite;
mod report;
mod runner;
mod scripts_suite;
mod sled_suite;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use self::runner::Plan;

/// Larder beside the raw stores and SDKs, measured in one run.
#[derive(Debug, Parser)]
struct Arguments {
    /// What to measure; everything unless told.
    suites: Vec<Suite>,
    /// Measures only the cases whose suite and name, as the table shows them, have this text in them, in any case:
    /// "tables, alloc", "64 tasks", "put_many".
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Writes the results as JSON, too.
    #[arg(long)]
    json: Option<PathBuf>,
    /// How often each side of a case is measured, 7 times at least.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(7..))]
    rounds: u32,
    /// How many minutes the gateway is loaded to see whether its memory grows.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    minutes: u32,
    /// Measures one side of a case, or both, in this process, and prints the number or both.
    #[arg(long, hide = true, num_args = 3, value_names = ["CASE", "SIDE", "DIR"])]
    worker: Option<Vec<String>>,
    /// Is the program `larder` with these arguments, and prints the most memory that it took, in KiB.
    #[arg(long, hide = true, num_args = 1.., allow_hyphen_values = true, value_name = "ARGUMENT")]
    larder: Option<Vec<String>>,
    /// Is the bare handler that the gateway is compared with.
    #[arg(long, hide = true)]
    bare_server: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Suite {
    /// The embedded store beside raw sled.
    Sled,
    /// The drivers for DynamoDB, Firestore and Azure Tables beside hand-written code on the same SDKs; needs the emulators
    /// (`eval "$(cargo xtask emulators up)"`) of those that are measured.
    Clouds,
    /// `larder copy`: between embedded stores, and to clouds that are 20 ms away; needs the emulators, too.
    Copy,
    /// `larder serve` over an embedded store, beside a bare axum handler; needs `wrk`.
    Gateway,
    /// Scripts in worker processes: runs of one core, and good ones beside hostile ones.
    Scripts,
    /// The TypeScript SDK; needs Node.js, and the package built for release in `crates/larder-node`.
    Node,
}

/// That of the program `larder`, which this one plays, and of whatever it is compared with.
#[cfg(not(feature = "allocations"))]
#[global_allocator]
static MEMORY: larder_cli::Memory = larder_cli::Memory;

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Outcome<T> = Result<T, Failure>;

/// The argument by which this program is started as a worker for scripts.
const SCRIPT_WORKER: &str = "script-worker";

fn main() -> ExitCode {
    // First of all, before there is any other thread.
    if std::env::args().nth(1).as_deref() == Some(SCRIPT_WORKER) {
        return larder_scripts::serve_worker();
    }
    let arguments = Arguments::parse();
    let outcome = match (&arguments.larder, &arguments.worker) {
        _ if arguments.bare_server => gateway_suite::be_bare(),
        (Some(arguments), _) => copy_suite::be_larder(arguments),
        (None, Some(worker)) => work(worker),
        (None, None) => run(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("larder-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Outcome<()> {
    let all = arguments.suites.is_empty();
    let plan = Plan::new(arguments.rounds as usize, arguments.only.as_deref());
    let mut rows = Vec::new();
    if all || arguments.suites.contains(&Suite::Sled) {
        rows.extend(sled_suite::run(&plan)?);
    }
    if all || arguments.suites.contains(&Suite::Clouds) {
        rows.extend(clouds_suite::run(&plan)?);
    }
    if all || arguments.suites.contains(&Suite::Copy) {
        rows.extend(copy_suite::run(&plan)?);
    }
    if all || arguments.suites.contains(&Suite::Gateway) {
        rows.extend(gateway_suite::run(&plan, arguments.minutes)?);
    }
    if all || arguments.suites.contains(&Suite::Scripts) {
        rows.extend(scripts_suite::run(&plan)?);
    }
    if all || arguments.suites.contains(&Suite::Node) {
        rows.extend(node_suite::run(&plan)?);
    }
    if rows.is_empty() {
        return Err("no case has that in its name".into());
    }
    println!("{}", report::table(&rows));
    if let Some(file) = &arguments.json {
        std::fs::write(file, serde_json::to_string_pretty(&rows)?)?;
    }
    Ok(())
}

fn work(worker: &[String]) -> Outcome<()> {
    let [case, side, dir] = worker else {
        return Err("a worker takes a case, a side and a directory".into());
    };
    let printed = if let Some(case) = case.strip_prefix(clouds_suite::PREFIX) {
        clouds_suite::measure(case, side)?
    } else if let Some(case) = case.strip_prefix(copy_suite::PREFIX) {
        copy_suite::measure(case, side, dir.as_ref())?.to_string()
    } else if let Some(case) = case.strip_prefix(gateway_suite::PREFIX) {
        gateway_suite::measure(case, side, dir.as_ref())?.to_string()
    } else if let Some(case) = case.strip_prefix(scripts_suite::PREFIX) {
        scripts_suite::measure(case, side)?.to_string()
    } else if let Some(case) = case.strip_prefix(node_suite::PREFIX) {
        node_suite::measure(case, dir.as_ref())?
    } else {
        sled_suite::measure(case, side, dir.as_ref())?.to_string()
    };
    println!("{printed}");
    Ok(())
}
