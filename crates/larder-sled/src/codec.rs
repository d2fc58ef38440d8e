//! Records as they lie in the `data` tree.
//!
//! `[1 format = 1][1 flags][8 expiry][24 stamp][4 value length][value][register]`, numbers big-endian. Bit 0 of the flags
//! says that a register follows: entries of 24 bytes of stamp and 8 of result, oldest first.

use bytes::{Buf, Bytes};
use larder_core::Expiry;
use larder_core::driver::Projection;
use larder_core::record::{Applied, Record, Register, Revision, WriteStamp};
use sled::IVec;

const FORMAT: u8 = 1;
const HAS_REGISTER: u8 = 1;
const HEADER: usize = 1 + 1 + 8 + WriteStamp::LEN + 4;
const APPLIED: usize = WriteStamp::LEN + 8;

/// What the writer decides by, without touching the value.
pub(crate) struct Header {
    pub(crate) expires_at: Expiry,
    pub(crate) stamp: WriteStamp,
    flags: u8,
    value_len: usize,
}

impl Header {
    /// Reads the header of a stored record.
    ///
    /// # Errors
    ///
    /// Why the record cannot be decoded.
    pub(crate) fn read(stored: &[u8]) -> Result<Self, String> {
        let (header, rest) = stored
            .split_first_chunk::<HEADER>()
            .ok_or_else(|| format!("the record has {} bytes, its header {HEADER}", stored.len()))?;
        let [format, flags, expiry_stamp_len @ ..] = header;
        if *format != FORMAT || flags & !HAS_REGISTER != 0 {
            return Err(format!(
                "the record has format {format} with flags {flags}; this program reads format {FORMAT}"
            ));
        }
        let (expires_at, stamp_len) = expiry_stamp_len.split_at(8);
        let (stamp, len) = stamp_len.split_at(WriteStamp::LEN);
        let value_len = u32::from_be_bytes(array(len)) as usize;
        let register_len = rest.len().checked_sub(value_len).ok_or("the record's value is cut short")?;
        if (flags & HAS_REGISTER == 0) != (register_len == 0) || register_len % APPLIED != 0 {
            return Err("the record's length does not fit its header".to_owned());
        }
        Ok(Self {
            expires_at: Expiry::from_raw(u64::from_be_bytes(array(expires_at))),
            stamp: WriteStamp::from_bytes(&array(stamp)),
            flags: *flags,
            value_len,
        })
    }
}

/// Reads a stored record, without a copy of its value.
pub(crate) fn decode(stored: IVec, projection: Projection) -> Result<Record, String> {
    let header = Header::read(&stored)?;
    let (value, register) = match projection {
        Projection::Meta => (Bytes::new(), None),
        Projection::Full => {
            let value_end = HEADER + header.value_len;
            let register = (header.flags & HAS_REGISTER != 0).then(|| register(&stored[value_end..]));
            let mut value = Bytes::from_owner(stored);
            value.truncate(value_end);
            value.advance(HEADER);
            (value, register)
        }
    };
    Ok(Record {
        value,
        expires_at: header.expires_at,
        stamp: header.stamp,
        revision: Revision::WriteId(header.stamp.id),
        register,
    })
}

/// The stored form of a record.
pub(crate) fn encode(
    value: &[u8],
    expires_at: Expiry,
    stamp: WriteStamp,
    register: Option<&Register>,
) -> IVec {
    let history = register.map(Register::history).unwrap_or_default();
    let mut stored = Vec::with_capacity(HEADER + value.len() + history.len() * APPLIED);
    stored.push(FORMAT);
    stored.push(if history.is_empty() { 0 } else { HAS_REGISTER });
    stored.extend(expires_at.to_raw().to_be_bytes());
    stored.extend(stamp.to_bytes());
    // A value has at most 24 KiB.
    stored.extend(u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes());
    stored.extend(value);
    for applied in history {
        stored.extend(applied.stamp.to_bytes());
        stored.extend(applied.result.to_be_bytes());
    }
    stored.into()
}

/// The same record with another expiry and stamp.
pub(crate) fn touched(stored: &[u8], expires_at: Expiry, stamp: WriteStamp) -> IVec {
    let mut touched = stored.to_vec();
    touched[2..10].copy_from_slice(&expires_at.to_raw().to_be_bytes());
    touched[10..10 + WriteStamp::LEN].copy_from_slice(&stamp.to_bytes());
    touched.into()
}

fn register(stored: &[u8]) -> Box<Register> {
    let history = stored.chunks_exact(APPLIED).map(|applied| {
        let (stamp, result) = applied.split_at(WriteStamp::LEN);
        Applied { stamp: WriteStamp::from_bytes(&array(stamp)), result: i64::from_be_bytes(array(result)) }
    });
    Box::new(Register::from_history(history.collect()))
}

/// A slice whose length the caller has fixed, as an array.
fn array<const N: usize>(slice: &[u8]) -> [u8; N] {
    std::array::from_fn(|at| slice[at])
}

#[cfg(test)]
mod tests {
    use super::*;
    use larder_core::Timestamp;

    fn stamp(at: u64) -> WriteStamp {
        WriteStamp::new(Timestamp::from_millis(at))
    }

    #[test]
    fn a_record_survives_its_stored_form() {
        let register = Register::from_history(vec![
            Applied { stamp: stamp(1), result: -1 },
            Applied { stamp: stamp(2), result: i64::MAX },
        ]);
        for register in [None, Some(register)] {
            let written = stamp(7);
            let stored = encode(b"value", Expiry::at(Timestamp::from_millis(9)), written, register.as_ref());
            let record = decode(stored, Projection::Full).expect("decodes");
            assert_eq!(&record.value[..], b"value");
            assert_eq!(record.expires_at, Expiry::at(Timestamp::from_millis(9)));
            assert_eq!(record.stamp, written);
            assert_eq!(record.register.as_deref(), register.as_ref());
        }
    }

    #[test]
    fn a_touch_changes_expiry_and_stamp_only() {
        let register = Register::from_history(vec![Applied { stamp: stamp(1), result: 5 }]);
        let stored = encode(b"5", Expiry::NEVER, stamp(1), Some(&register));
        let second = stamp(2);
        let record =
            decode(touched(&stored, Expiry::at(Timestamp::from_millis(3)), second), Projection::Full)
                .expect("decodes");
        assert_eq!((&record.value[..], record.stamp), (&b"5"[..], second));
        assert_eq!(record.register.as_deref(), Some(&register));
    }

    #[test]
    fn a_damaged_record_is_named_as_such() {
        let stored = encode(b"value", Expiry::NEVER, stamp(1), None);
        for cut in 0..stored.len() {
            assert!(Header::read(&stored[..cut]).is_err(), "{cut}");
        }
        let mut longer = stored.to_vec();
        longer.push(0);
        assert!(Header::read(&longer).is_err());
        let mut newer = stored.to_vec();
        newer[0] = 2;
        assert!(Header::read(&newer).is_err());
    }
}
