//! The hash that places keys in shards and binds versions to keys (L1), and the one of maps in memory.
//!
//! The first is XXH64 with seed 0, of the canonical key's bytes. It is a published algorithm: the vectors below must never
//! change.

use std::collections::HashMap;

use twox_hash::XxHash64;

/// A map by keys' text, for the time of an operation: seeded anew in every process, and much faster than std's.
pub type KeyMap<'a, T> = HashMap<&'a str, T, foldhash::fast::RandomState>;

/// The hash's name in a layout record.
pub const HASH_NAME: &str = "xxh64";

/// XXH64 of `bytes` with seed 0.
pub fn xxh64(bytes: &[u8]) -> u64 {
    XxHash64::oneshot(0, bytes)
}

#[cfg(test)]
mod tests {
    use super::xxh64;

    #[test]
    fn vectors() {
        assert_eq!(xxh64(b""), 0xEF46_DB37_51D8_E999);
        assert_eq!(xxh64(b"a"), 0xD24E_C4F1_A98C_6E5B);
        assert_eq!(xxh64(b"abc"), 0x44BC_2CF5_AD77_0999);
    }
}
