//! The addon of the npm package `@larder/kv`: Larder in a process of Node.js.
//!
//! It is called by the package's TypeScript alone, which checks arguments, encodes values and makes errors; `ts/native`
//! says what it expects of this. What is in memory is answered at once; everything else is a promise.

mod alive;
mod answers;
mod batch;
mod begin;
mod cancel;
mod deferred;
mod failure;
mod lease;
mod memory;
mod packed;
mod read;
mod recent;
mod run;
mod scan;
mod store;
mod traffic;
mod write;

use mimalloc::MiMalloc;
use napi_derive::{module_init, napi};

pub use store::{Store, open};

/// Memory of the addon's own. From the system's, JavaScript's thread would take its memory, too, and wait for the threads
/// that give some back.
#[global_allocator]
static MEMORY: MiMalloc = MiMalloc;

#[module_init]
fn begin() {
    memory::keep();
}

/// The version of the addon, which must be that of the package.
#[napi]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

/// Does nothing, as a promise: what crossing the boundary costs. Benchmarks compare with it.
#[napi]
pub async fn empty() {}

/// Whether it was built with optimizations. Benchmarks refuse one that was not.
#[napi]
pub fn is_optimized() -> bool {
    !cfg!(debug_assertions)
}
