//! Prints what runs.

use clap::ValueEnum;

use super::cache::Cache;
use super::kind::Emulator;
use super::state::{Entry, State, now};
use crate::Outcome;

pub(super) fn status(cache: &Cache) -> Outcome {
    let state = State::load(cache)?;
    if state.running.is_empty() {
        println!("no emulator runs");
        return Ok(());
    }
    println!("{:<10} {:<8} {:>8} {:>6} {:>9}  STATE", "NAME", "VERSION", "PID", "PORT", "STARTED");
    for entry in &state.running {
        let (pid, age) = (entry.process.pid, age(now().saturating_sub(entry.started)));
        let condition = condition(entry);
        println!("{:<10} {:<8} {pid:>8} {:>6} {age:>9}  {condition}", entry.name, entry.version, entry.port);
    }
    Ok(())
}

fn condition(entry: &Entry) -> String {
    if !entry.process.is_running() {
        return "gone".to_owned();
    }
    let emulator = Emulator::from_str(&entry.name, false);
    let answers = emulator.is_ok_and(|emulator| emulator.probe().is_answered(entry.port));
    let mut condition = if answers { "answers" } else { "does not answer" }.to_owned();
    if let Some(user) = entry.user.as_ref().filter(|_| entry.is_in_use()) {
        condition += &format!(", for the tests of process {}", user.pid);
    }
    condition
}

fn age(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s ago"),
        60..3600 => format!("{}m ago", seconds / 60),
        _ => format!("{}h ago", seconds / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_short() {
        let ages = [0, 59, 60, 3599, 3600, 360_000].map(age);
        assert_eq!(ages, ["0s ago", "59s ago", "1m ago", "59m ago", "1h ago", "100h ago"]);
    }
}
