//! The clouds' drivers beside hand-written code on the same SDK, doing the same requests, conditions and attributes.
//!
//! What counts is what a service pays on its own machine: processor time and allocations per operation, and how often it
//! waits for the network. The emulator's own time is in neither; it is only there to answer.

mod by_hand;
mod delay;
mod latency;
mod load;
mod meter;
mod ours;
mod table;

use std::path::Path;

use self::load::Op;
use crate::Outcome;
use crate::report::Row;
use crate::runner::{Case, Goal};

/// What the names of this suite's measurements begin with.
pub(crate) const PREFIX: &str = "clouds:";
const SUITE: &str = "clouds";

const CPU: Goal = Goal { text: "≤ 1.05 ×", reached: |ours, theirs| ours <= 1.05 * theirs };

/// Measures every case.
pub(crate) fn run(rounds: usize) -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    for tasks in [1, 64] {
        for op in Op::ALL {
            let name = format!("DynamoDB, processor time of {}, {}", op.name(), at_once(tasks));
            rows.push(case(&name, &format!("cpu/{}/{tasks}", op.name()), "µs", Some(CPU)).run(rounds)?);
        }
    }
    for op in Op::ALL {
        let name = format!("DynamoDB, allocations of {}", op.name());
        rows.push(case(&name, &format!("allocations/{}/1", op.name()), "each", None).run(rounds)?);
    }
    for (name, kind, goal) in latency::CASES {
        rows.push(case(&format!("DynamoDB, 20 ms away, {name}"), kind, "ms", Some(*goal)).run(rounds)?);
    }
    Ok(rows)
}

fn at_once(tasks: usize) -> String {
    if tasks == 1 { "1 task".to_owned() } else { format!("{tasks} tasks") }
}

struct Measurement {
    name: String,
    kind: String,
    unit: &'static str,
    goal: Option<Goal>,
}

fn case(name: &str, kind: &str, unit: &'static str, goal: Option<Goal>) -> Measurement {
    Measurement { name: name.to_owned(), kind: format!("{PREFIX}{kind}"), unit, goal }
}

impl Measurement {
    fn run(&self, rounds: usize) -> Outcome<Row> {
        let case = Case {
            suite: SUITE,
            name: &self.name,
            ours: &self.kind,
            theirs: &self.kind,
            unit: self.unit,
            goal: self.goal,
        };
        case.run(rounds, Path::new("."))
    }
}

/// Measures one side of a case.
pub(crate) fn measure(case: &str, side: &str) -> Outcome<f64> {
    let ours = side == "ours";
    let mut parts = case.split('/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some("cpu"), Some(op), Some(tasks)) => load::cpu(Op::named(op)?, tasks.parse()?, ours),
        (Some("allocations"), Some(op), Some(_)) => load::allocations(Op::named(op)?, ours),
        (Some("latency"), Some(kind), None) => latency::measure(kind, ours),
        _ => Err(format!("there is no case {case:?}").into()),
    }
}
