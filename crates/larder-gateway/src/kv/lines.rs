//! Documents, a line of JSON each.

use serde::Serialize;

use crate::problem::{Code, Problem};
use crate::request_id;

/// The type of such a body.
pub(super) const TYPE: &str = "application/x-ndjson";

/// A document as its line.
pub(super) fn line(document: &impl Serialize) -> Result<Vec<u8>, Problem> {
    let mut line = serde_json::to_vec(document).map_err(|error| {
        tracing::error!(
            target: "larder",
            request_id = request_id::current(),
            %error,
            "a line of a scan cannot be written"
        );
        Problem::new(Code::Internal, "the gateway has a defect")
    })?;
    // A value that is JSON stands there as it was stored. Line breaks in it are space between its parts: inside of
    // strings they are escaped.
    for byte in &mut line {
        if matches!(*byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    line.push(b'\n');
    Ok(line)
}
