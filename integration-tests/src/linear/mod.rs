//! Linearizability: what concurrent programs saw of a key is explained by doing their operations one after the other.
//!
//! [`play()`] lets tasks work on a few keys and writes down what each operation was told and when. Every key has a
//! [`History`] of its own, since operations on different keys promise nothing about each other. Two checkers that share
//! nothing but the meaning of an operation ([`State`]) look for an order of its operations that explains a history: see
//! [`Judgement`].
//!
//! - An operation that ends in `Ambiguous`, or whose future was dropped, stays open: it takes effect at any time after
//!   its invocation, or never. Any other error of a write says that it was not applied (P4), and the operation is left
//!   out: if it was applied all the same, what others saw cannot be explained.
//! - A key has a limited number of operations, and of open ones. Then the tasks go on with a fresh key, so that
//!   histories stay short and nothing is thrown away.
//! - A put that is not bound to a version can act more than once after a lost reply: the handle sends it again when it
//!   finds the key absent, and somebody may have deleted what the first attempt stored (P4: "may land late"). The
//!   tasks' drivers count such attempts, and each one is an open operation besides its put.

mod broken;
mod depth_first;
mod figures;
mod history;
mod judgement;
mod log;
mod perform;
mod play;
mod player;
mod spec;
mod unsettled;
mod wing_gong;

pub use broken::{Broken, Fault};
pub use figures::Figures;
pub use history::{Action, Condition, History, Op, Outcome, Sight, Token, Written};
pub use judgement::{Judgement, Verdict};
pub use log::{Limits, Record};
pub use play::{Passing, Plan, play, play_by};
pub use player::Kind;
pub use spec::State;
pub use unsettled::Losses;
