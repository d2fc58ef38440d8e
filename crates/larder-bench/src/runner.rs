//! Measuring the two sides of a case in turns.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::Outcome;
use crate::report::Row;

/// What is measured, and how often.
#[derive(Debug)]
pub(crate) struct Plan {
    rounds: usize,
    /// In lower case.
    only: Option<String>,
}

impl Plan {
    pub(crate) fn new(rounds: usize, only: Option<&str>) -> Self {
        Self { rounds, only: only.map(str::to_lowercase) }
    }

    /// The same cases, each side measured once.
    pub(crate) fn once(&self) -> Self {
        Self { rounds: 1, only: self.only.clone() }
    }

    /// Whether a case is measured.
    pub(crate) fn has(&self, case: &Case<'_>) -> bool {
        let shown = format!("{} {}", case.suite, case.name).to_lowercase();
        self.only.as_ref().is_none_or(|only| shown.contains(only))
    }
}

/// A case: two sides, and what the comparison should show.
pub(crate) struct Case<'a> {
    pub(crate) suite: &'static str,
    pub(crate) name: &'a str,
    pub(crate) ours: &'a str,
    pub(crate) theirs: &'a str,
    pub(crate) unit: &'static str,
    pub(crate) goal: Option<Goal>,
}

/// What a comparison is to reach.
#[derive(Clone, Copy)]
pub(crate) struct Goal {
    pub(crate) text: &'static str,
    pub(crate) reached: fn(ours: f64, theirs: f64) -> bool,
}

impl Case<'_> {
    /// Measures both sides in turns, each time in a process of its own, and compares the medians.
    pub(crate) fn run(&self, plan: &Plan, dir: &Path) -> Outcome<Row> {
        eprintln!("measuring {} {} …", self.suite, self.name);
        let mut ours = Vec::with_capacity(plan.rounds);
        let mut theirs = Vec::with_capacity(plan.rounds);
        for _ in 0..plan.rounds {
            theirs.push(worker(self.theirs, "theirs", dir)?);
            ours.push(worker(self.ours, "ours", dir)?);
        }
        Ok(self.row(median(ours), median(theirs)))
    }

    /// Measures both sides in one process, which goes from one to the other every few milliseconds, and shows the round
    /// whose ratio is the median. What else the machine does, and what it costs, meets both sides alike.
    pub(crate) fn run_together(&self, plan: &Plan, dir: &Path) -> Outcome<Row> {
        let mut rounds = self.rounds_together(plan, dir)?;
        rounds.sort_by(|a, b| (a.0 / a.1).total_cmp(&(b.0 / b.1)));
        let (ours, theirs) = rounds[rounds.len() / 2];
        Ok(self.row(ours, theirs))
    }

    /// Measures both sides in one process, and shows the largest number of each side, whichever round it is of: what must
    /// never happen must happen in no round.
    pub(crate) fn run_longest(&self, plan: &Plan, dir: &Path) -> Outcome<Row> {
        let rounds = self.rounds_together(plan, dir)?;
        let (ours, theirs) =
            rounds.into_iter().fold((0.0, 0.0), |a: (f64, f64), b| (a.0.max(b.0), a.1.max(b.1)));
        Ok(self.row(ours, theirs))
    }

    fn rounds_together(&self, plan: &Plan, dir: &Path) -> Outcome<Vec<(f64, f64)>> {
        eprintln!("measuring {} {} …", self.suite, self.name);
        let mut rounds = Vec::with_capacity(plan.rounds);
        for _ in 0..plan.rounds {
            let printed = printed(self.ours, "both", dir)?;
            let (ours, theirs) = printed.split_once(' ').ok_or("a worker prints both sides")?;
            rounds.push((ours.parse()?, theirs.parse()?));
        }
        Ok(rounds)
    }

    fn row(&self, ours: f64, theirs: f64) -> Row {
        // At once: a later case that fails takes the table with it.
        eprintln!("    {ours:.1} beside {theirs:.1} {}: {:.3} ×", self.unit, ours / theirs);
        Row {
            suite: self.suite,
            case: self.name.to_owned(),
            ours,
            theirs,
            unit: self.unit,
            ratio: ours / theirs,
            goal: self.goal.map_or("", |goal| goal.text),
            reached: self.goal.map(|goal| (goal.reached)(ours, theirs)),
        }
    }
}

/// Runs one measurement in a process of its own.
pub(crate) fn worker(case: &str, side: &str, dir: &Path) -> Outcome<f64> {
    Ok(printed(case, side, dir)?.parse()?)
}

fn printed(case: &str, side: &str, dir: &Path) -> Outcome<String> {
    let output = Command::new(std::env::current_exe()?)
        .args(["--worker", case, side])
        .arg(dir)
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(format!("the measurement of {case} ({side}) failed").into());
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_chosen_by_what_the_table_shows() {
        let case = Case {
            suite: "clouds",
            name: "Azure Tables, allocations of get",
            ours: "",
            theirs: "",
            unit: "",
            goal: None,
        };
        for (only, chosen) in [
            (None, true),
            (Some("clouds"), true),
            (Some("tables, alloc"), true),
            (Some("clouds azure"), true),
            (Some("sled"), false),
            (Some("get_many"), false),
        ] {
            assert_eq!(Plan::new(7, only).has(&case), chosen, "{only:?}");
        }
    }
}
