//! The form of attempts and their replies over HTTP, for both sides.
//!
//! An attempt is `POST /v1/attempt/{binding}/{method}`, with a body of type [`CONTENT_TYPE`]: the version of the form, when
//! the attempt was sent by the gateway's clock, how long it may take, and the method's arguments. What the store said comes
//! back with status 200, its refusals and failures too, so that nothing between the two takes one for its own and sends an
//! attempt again. Every other status is the gateway's word, or a proxy's: no store was asked.
//!
//! Values and keys are raw bytes with their length before them; numbers are big-endian. In requests expiries are told as
//! durations from the sending of the attempt; in replies as epoch milliseconds of the gateway's clock. Every length is
//! checked against what is there before anything is made of it.

mod call;
mod codec;
mod method;
mod record;
mod reply;
mod scan;
mod write;

#[cfg(test)]
mod tests;

pub use call::{Attempt, Call};
pub use codec::Malformed;
pub use method::Method;
pub use reply::{Outcome, Reply, decode_outcome, encode_outcome};

/// The version of the form, the first byte of every body.
pub const FORMAT: u8 = 1;

/// The type of the bodies.
pub const CONTENT_TYPE: &str = "application/vnd.larder.attempt";

/// The header of every reply of a gateway's that tells its time, in epoch milliseconds.
pub const TIME_HEADER: &str = "larder-time";

/// The most bytes of a request: a full batch of writes with their keys and counters' histories.
pub const MAX_REQUEST_BYTES: usize = 4 * 1024 * 1024;

/// The most bytes of a reply: a page of a scan of the most values.
pub const MAX_REPLY_BYTES: usize = 16 * 1024 * 1024;

/// The most keys of a batch, in one request.
pub const MAX_BATCH: usize = 100;

/// The most bytes of keys and values in a batch of writes.
pub const MAX_BATCH_BYTES: usize = 1024 * 1024;
