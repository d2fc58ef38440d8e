//! Drivers around a driver: they count, lose replies, fail by a script, or pose as another platform.
//!
//! All but [`Plain`] are a [`Hook`] and the one forwarding driver [`Hooked`]:
//!
//! ```
//! use larder_conformance::wrap::{Counting, Hook, Method};
//! use larder_core::{Kv, MemoryDriver};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> larder_core::Result<()> {
//! let counting = Counting::new();
//! let kv = Kv::new(counting.over(MemoryDriver::new()));
//! kv.exists("user:1").await?;
//! kv.exists("user:2").await?;
//! assert_eq!(counting.calls(Method::Get) - counting.layout_reads(), 2);
//! # Ok(())
//! # }
//! ```

mod counting;
mod hooked;
mod lossy;
mod plain;
mod posing;
mod scripted;

pub use counting::Counting;
pub use hooked::{Call, Hook, Hooked, Method, Verdict};
pub use lossy::{Loss, Lossy};
pub use plain::Plain;
pub use posing::{BatchFault, Posing};
pub use scripted::{Scripted, Step};
