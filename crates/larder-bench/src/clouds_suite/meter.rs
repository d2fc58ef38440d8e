//! What a process has used.

use std::fs;

use crate::Outcome;

/// Microseconds of processor time that this process's threads have taken so far.
pub(super) fn cpu_micros() -> Outcome<f64> {
    let mut nanos = 0.0;
    for thread in fs::read_dir("/proc/self/task")? {
        // A thread may end between being listed and being read.
        let Ok(stat) = fs::read_to_string(thread?.path().join("schedstat")) else { continue };
        nanos += stat.split(' ').next().unwrap_or_default().parse::<f64>()?;
    }
    Ok(nanos / 1e3)
}
