//! What stands before every route: who asks, and whether they may ask now.

mod authenticate;
mod credentials;
mod loopback;
mod standing;

pub use self::authenticate::Access;
pub(crate) use self::authenticate::{Door, authenticate};
pub use self::loopback::LoopbackGuard;
pub(crate) use self::loopback::guarded;
pub(crate) use self::standing::Standing;
