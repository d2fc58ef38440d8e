//! The clouds' drivers beside hand-written code on the same SDK, doing the same requests, conditions and fields.
//!
//! What counts is what a service pays on its own machine: processor time and allocations per operation, and how often it
//! waits for the network. The emulator's own time is in neither; it is only there to answer.
//!
//! What is measured is the same everywhere and stands here; what a platform is, and how its requests are made by hand, is
//! in a module of its own: `dynamodb`, `firestore`, `tables`.

mod away;
mod by_hand;
mod delay;
mod dynamodb;
mod entries;
mod firestore;
mod latency;
mod load;
mod meter;
mod operation;
mod ours;
mod platform;
mod tables;
mod walk;

use std::path::Path;

pub(crate) use self::away::{Away, away};

use self::by_hand::ByHand;
use self::dynamodb::DynamoDb;
use self::firestore::Firestore;
use self::latency::Far;
use self::operation::Op;
use self::platform::Platform;
use self::tables::Tables;
use crate::Outcome;
use crate::report::Row;
use crate::runner::{Case, Goal, Plan};

/// What the names of this suite's measurements begin with.
pub(crate) const PREFIX: &str = "clouds:";
const SUITE: &str = "clouds";

const CPU: Goal = Goal { text: "≤ 1.05 ×", reached: |ours, theirs| ours <= 1.05 * theirs };

/// Measures every case of the plan.
pub(crate) fn run(plan: &Plan) -> Outcome<Vec<Row>> {
    let mut measurements = cases::<DynamoDb>();
    measurements.extend(cases::<Firestore>());
    measurements.extend(cases::<Tables>());
    measurements.retain(|measurement| plan.has(&measurement.case()));
    measurements.iter().map(|measurement| measurement.run(plan)).collect()
}

/// All cases of a platform.
fn cases<P: Platform>() -> Vec<Measurement> {
    let case = |sides, name: String, kind: String, unit, goal| Measurement {
        sides,
        name: format!("{}, {name}", P::NAME),
        kind: format!("{PREFIX}{}/{kind}", P::ID),
        unit,
        goal,
    };
    let mut cases = Vec::new();
    for at_once in [1, 64] {
        cases.extend(Op::ALL.into_iter().map(|op| {
            let tasks = if op.is_of_many() { at_once.min(P::TASKS_OF_MANY) } else { at_once };
            let noun = if tasks == 1 { "task" } else { "tasks" };
            let name = format!("processor time of {}, {tasks} {noun}", op.name());
            case(Sides::Together, name, format!("cpu/{}/{tasks}", op.name()), "µs", Some(CPU))
        }));
    }
    #[cfg(feature = "allocations")]
    cases.extend(Op::ALL.into_iter().map(|op| {
        let name = format!("allocations of {}", op.name());
        case(Sides::Apart, name, format!("allocations/{}", op.name()), "each", None)
    }));
    cases.extend(Far::of(P::ByHand::SHARDS).map(|far| {
        let name = format!("20 ms away, {}", far.name());
        case(Sides::Apart, name, format!("far/{}", far.id()), "ms", Some(far.goal()))
    }));
    cases
}

/// Whether the sides are measured in processes of their own.
enum Sides {
    Apart,
    Together,
}

/// A case, with names of its own.
struct Measurement {
    sides: Sides,
    name: String,
    kind: String,
    unit: &'static str,
    goal: Option<Goal>,
}

impl Measurement {
    fn run(&self, plan: &Plan) -> Outcome<Row> {
        let (case, dir) = (self.case(), Path::new("."));
        match self.sides {
            Sides::Apart => case.run(plan, dir),
            Sides::Together => case.run_together(plan, dir),
        }
    }

    fn case(&self) -> Case<'_> {
        Case {
            suite: SUITE,
            name: &self.name,
            ours: &self.kind,
            theirs: &self.kind,
            unit: self.unit,
            goal: self.goal,
        }
    }
}

/// Measures one side of a case, or both.
pub(crate) fn measure(case: &str, side: &str) -> Outcome<String> {
    let ours = side == "ours";
    match case.split_once('/') {
        Some((DynamoDb::ID, kind)) => measure_on::<DynamoDb>(kind, ours),
        Some((Firestore::ID, kind)) => measure_on::<Firestore>(kind, ours),
        Some((Tables::ID, kind)) => measure_on::<Tables>(kind, ours),
        _ => Err(format!("there is no platform of {case:?}").into()),
    }
}

fn measure_on<P: Platform>(kind: &str, ours: bool) -> Outcome<String> {
    let mut parts = kind.split('/');
    let number = match (parts.next(), parts.next(), parts.next()) {
        (Some("cpu"), Some(op), Some(tasks)) => {
            let (ours, theirs) = load::cpu::<P>(Op::named(op)?, tasks.parse()?)?;
            return Ok(format!("{ours} {theirs}"));
        }
        #[cfg(feature = "allocations")]
        (Some("allocations"), Some(op), None) => load::allocations::<P>(Op::named(op)?, ours)?,
        (Some("far"), Some(far), None) => latency::measure::<P>(Far::with_id(far)?, ours)?,
        _ => return Err(format!("there is no case {kind:?}").into()),
    };
    Ok(number.to_string())
}
