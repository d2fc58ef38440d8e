//! What a worker and its parent say to each other: frames of a length and a message.
//!
//! Both ends are one program of one version, so that the form needs no versions of its own. What comes from a worker is
//! taken for what an enemy wrote: its frames have a limit, and nothing in them is believed.

mod call;
mod frame;
mod message;

pub(crate) use self::call::{Answer, Call, Found, Item, Refusal, When};
pub(crate) use self::frame::{Frames, encode, read_message};
pub use self::message::Confinement;
pub(crate) use self::message::{End, FromWorker, Mode, Run, Setup, ToWorker};
