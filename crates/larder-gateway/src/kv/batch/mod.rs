//! Many keys in one request: every position has its own answer, and nothing is atomic.

pub(super) mod delete;
pub(super) mod get;
pub(super) mod put;

use crate::problem::Problem;

/// The most bytes of a batch's body: 4 MiB.
pub(super) const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// The most keys of a batch.
const MAX_KEYS: usize = 256;

fn check_size(field: &str, size: usize) -> Result<(), Problem> {
    if size <= MAX_KEYS {
        return Ok(());
    }
    Err(Problem::invalid(field, format!("has {size} keys; a batch has at most {MAX_KEYS}: send several")))
}
