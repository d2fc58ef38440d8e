//! Running the cases, one after the other.

use std::any::Any;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use futures_util::FutureExt;

use crate::cases::{Case, all};
use crate::context::Context;
use crate::harness::Harness;

/// Runs every case on a backend, and prints one line for each.
///
/// # Panics
///
/// When a case failed, with a list of all that did.
pub async fn run(harness: &dyn Harness) {
    let report = report(harness).await;
    assert!(report.failed.is_empty(), "{report}");
}

/// Runs every case on a backend, prints one line for each, and returns what came out.
pub async fn report(harness: &dyn Harness) -> Report {
    let mut report = Report { backend: harness.name().to_owned(), passed: Vec::new(), failed: Vec::new() };
    for case in all() {
        let started = Instant::now();
        let outcome = run_case(harness, case).await;
        let took = started.elapsed().as_millis();
        match outcome {
            Ok(()) => {
                println!("{} {} ok ({took} ms)", report.backend, case.name);
                report.passed.push(case.name);
            }
            Err(message) => {
                println!("{} {} FAILED ({took} ms)", report.backend, case.name);
                report.failed.push(Failure { case: case.name, clauses: case.clauses, message });
            }
        }
    }
    report
}

async fn run_case(harness: &dyn Harness, case: &Case) -> Result<(), String> {
    let store = AssertUnwindSafe(harness.create()).catch_unwind().await;
    let store = store.map_err(|panic| format!("the store could not be made: {}", message(&*panic)))?;
    let context = Context::new(store, harness.model(), case.name);
    let task = tokio::spawn((case.run)(context));
    let stop = task.abort_handle();
    match tokio::time::timeout(harness.case_limit(), task).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(match error.try_into_panic() {
            Ok(panic) => message(&*panic),
            Err(cancelled) => cancelled.to_string(),
        }),
        Err(_) => {
            stop.abort();
            Err(format!("it hung: no end after {:?}", harness.case_limit()))
        }
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without a message").to_owned()
}

/// What came out of a run.
#[derive(Clone, Debug)]
pub struct Report {
    /// The backend's name.
    pub backend: String,
    /// The names of the cases that passed.
    pub passed: Vec<&'static str>,
    /// The cases that did not.
    pub failed: Vec<Failure>,
}

/// A case that failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Its name.
    pub case: &'static str,
    /// The clauses that it would have proven.
    pub clauses: &'static [&'static str],
    /// What it panicked with.
    pub message: String,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.passed.len() + self.failed.len();
        write!(f, "{}: {} of {all} cases failed", self.backend, self.failed.len())?;
        for failure in &self.failed {
            write!(f, "\n- {} ({}): {}", failure.case, failure.clauses.join(" "), failure.message)?;
        }
        Ok(())
    }
}
