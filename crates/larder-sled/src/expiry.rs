//! The expiry index: which keys may have expired.
//!
//! An entry is `[8 expiry][key]`, without a value. It is a hint: written before its record, removed after the record was
//! replaced, and verified by the sweeper, so that a crash between any two steps leaves at worst a hint that leads nowhere.

use larder_core::{Expiry, Timestamp};
use sled::IVec;

/// The hint for a record; one that never expires has none.
pub(crate) fn hint(expires_at: Expiry, key: &[u8]) -> Option<IVec> {
    let moment = expires_at.moment()?;
    let mut hint = Vec::with_capacity(8 + key.len());
    hint.extend(moment.as_millis().to_be_bytes());
    hint.extend(key);
    Some(hint.into())
}

/// The exclusive end of the hints whose records have expired at `now`.
pub(crate) fn end(now: Timestamp) -> [u8; 8] {
    now.as_millis().saturating_add(1).to_be_bytes()
}

/// The expiry and the key that a hint is for; `None` for what is no hint.
pub(crate) fn read(hint: &[u8]) -> Option<(Expiry, &[u8])> {
    let (moment, key) = hint.split_first_chunk::<8>()?;
    Some((Expiry::at(Timestamp::from_millis(u64::from_be_bytes(*moment))), key))
}
