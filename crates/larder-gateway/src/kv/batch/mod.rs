//! Many keys in one request: every position has its own answer, and nothing is atomic.

pub(super) mod delete;
pub(super) mod get;
pub(super) mod put;

use utoipa::ToSchema;

use crate::problem::Problem;

/// The most bytes of a batch's body: 4 MiB.
pub(super) const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// The most keys of a batch.
const MAX_KEYS: usize = 256;

/// A key, as it is described.
#[derive(ToSchema)]
#[schema(min_length = 1, max_length = 512)]
#[allow(dead_code, reason = "only its description is used")]
pub(super) struct KeyText(String);

fn check_size(field: &str, size: usize) -> Result<(), Problem> {
    if size <= MAX_KEYS {
        return Ok(());
    }
    Err(Problem::invalid(field, format!("has {size} keys; a batch has at most {MAX_KEYS}: send several")))
}
