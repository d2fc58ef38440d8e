//! What stands before every route: who asks, and whether they may ask now.

mod authenticate;
mod credentials;
mod loopback;

pub use self::authenticate::Access;
pub(crate) use self::authenticate::{Door, authenticate};
pub use self::loopback::LoopbackGuard;
