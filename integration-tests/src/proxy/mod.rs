//! A process between a client and a server, which loses, delays, repeats and refuses what passes, and logs
//! the truth.
//!
//! It speaks HTTP/1.1 and HTTP/2 without TLS, on both sides the version that the client chose. Whole messages
//! are read before they are passed on, so a stream that answers while it is still asked cannot pass.
//!
//! What the client was told is one thing, what the server did another. A test that wants to know the second
//! reads the log: [`FaultProxy::settled`].

mod body;
mod bytes;
mod control;
mod counts;
mod exchange;
mod fault;
mod handle;
mod journal;
mod operation;
mod perform;
mod rule;
mod rulebook;
mod serve;
mod upstream;
mod wire;

pub use counts::{Count, Counts};
pub use exchange::{Duplicate, Exchange, Reply};
pub use fault::{Answer, Fault};
pub use handle::FaultProxy;
pub use rule::{Chance, Matcher, Rule};
pub use serve::{Listening, listen};
