//! What the engine cannot check for itself.

#![allow(unsafe_code, reason = "each use is argued where it stands")]

use rquickjs::{Ctx, Module, Result, TypedArray};

use super::code::Bytecode;

/// Reads a module from bytecode.
pub(super) fn load<'js>(ctx: &Ctx<'js>, code: &Bytecode) -> Result<Module<'js>> {
    // SAFETY: the bytes must be bytecode of this very engine, which trusts them blindly. `Bytecode` is made in one place,
    // from what the engine of this process has just written; it has no other constructor, is never changed, and is neither
    // written to nor read from anything outside the process.
    unsafe { Module::load(ctx.clone(), code.as_bytes()) }
}

/// Copies the bytes of an array; `None` if its buffer was taken from it.
pub(super) fn bytes_of(array: &TypedArray<'_, u8>) -> Option<Vec<u8>> {
    // SAFETY: the slice is the script's memory, which must not change while it is looked at. It is copied at once: no
    // JavaScript runs between, on a thread that has only this engine.
    unsafe { array.as_bytes().map(<[u8]>::to_vec) }
}
