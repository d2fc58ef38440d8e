//! What a driver stores under a key: the value and the facts that the handle decides by.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use smol_str::SmolStr;

use crate::time::{Expiry, Timestamp};

/// 128 random bits that name one write (P4).
///
/// Every attempt of a write carries the same id, so that a handle that finds it in a record knows whose write it sees.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct WriteId([u8; 16]);

impl WriteId {
    /// A fresh id.
    pub fn random() -> Self {
        // As an array it would be drawn byte by byte.
        Self(rand::random::<u128>().to_ne_bytes())
    }

    /// An id that was stored.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for WriteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WriteId(")?;
        for byte in self.0 {
            write!(f, "{byte:02x}")?;
        }
        f.write_str(")")
    }
}

/// Which write made a record, and when its attempt was sent by the writer's clock.
///
/// Stored as 24 bytes: the id, then the time as a big-endian number of epoch milliseconds. After a lost reply the time
/// tells a record that was there before the write from one that may have come after it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WriteStamp {
    /// The write.
    pub id: WriteId,
    /// When the attempt that was applied was sent.
    pub at: Timestamp,
}

impl WriteStamp {
    /// The length of the stored form.
    pub const LEN: usize = 24;

    /// A fresh write, sent now.
    pub fn new(now: Timestamp) -> Self {
        Self { id: WriteId::random(), at: now }
    }

    /// The bytes to store.
    pub fn to_bytes(self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[..16].copy_from_slice(self.id.as_bytes());
        bytes[16..].copy_from_slice(&self.at.as_millis().to_be_bytes());
        bytes
    }

    /// Reads what [`WriteStamp::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8; Self::LEN]) -> Self {
        let (id, at) = bytes.split_at(16);
        let id: [u8; 16] = std::array::from_fn(|index| id[index]);
        let at: [u8; 8] = std::array::from_fn(|index| at[index]);
        Self { id: WriteId(id), at: Timestamp::from_millis(u64::from_be_bytes(at)) }
    }
}

/// What a platform calls the present state of a row; it changes with every write to the row (P2).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Revision {
    /// The write id itself, where the platform keeps no version of its own (DynamoDB, sled, memory).
    WriteId(WriteId),
    /// The platform's own: an update time (Firestore), which is held in place, or an ETag (Azure Tables), which clones
    /// share.
    Platform(SmolStr),
}

/// One increment that a counter remembers (C2).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// The write.
    pub stamp: WriteStamp,
    /// The counter's number after it.
    pub result: i64,
}

impl fmt::Debug for Applied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The number is a value (E2).
        f.debug_struct("Applied").field("stamp", &self.stamp).finish_non_exhaustive()
    }
}

/// A counter's last writes, oldest first (C2).
///
/// The first one is the write that made the counter (a put, or the increment that found nothing), until newer ones
/// push it out. A shift register: at most [`Register::CAPACITY`] entries.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Register(Vec<Applied>);

impl Register {
    /// How many writes a counter remembers.
    pub const CAPACITY: usize = 8;

    /// The register of a counter that has the given history; only the last [`Register::CAPACITY`] count.
    pub fn from_history(mut history: Vec<Applied>) -> Self {
        let surplus = history.len().saturating_sub(Self::CAPACITY);
        history.drain(..surplus);
        Self(history)
    }

    /// The remembered writes, oldest first.
    pub fn history(&self) -> &[Applied] {
        &self.0
    }

    /// The result of a write, if it is remembered.
    pub fn result_of(&self, id: WriteId) -> Option<i64> {
        self.0.iter().find(|applied| applied.stamp.id == id).map(|applied| applied.result)
    }

    /// Remembers one more write and forgets the oldest beyond the capacity.
    pub fn push(&mut self, applied: Applied) {
        if self.0.len() == Self::CAPACITY {
            self.0.remove(0);
        }
        self.0.push(applied);
    }
}

/// A record as a driver read it. It may have expired: the handle decides.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// The value; empty when it was not asked for.
    pub value: Bytes,
    /// When the entry stops being there.
    pub expires_at: Expiry,
    /// The write that made it.
    pub stamp: WriteStamp,
    /// The platform's name for this state.
    pub revision: Revision,
    /// A counter's last writes. A record that no increment has touched has none, or itself as the only entry.
    pub register: Option<Box<Register>>,
}

impl Record {
    /// The counter's history, with the write that made the record as its beginning (C2).
    ///
    /// Returns `None` when the value is not a number.
    pub fn counter(&self) -> Option<(i64, Register)> {
        let number = parse_counter(&self.value)?;
        let register = match &self.register {
            Some(register) => (**register).clone(),
            None => Register(vec![Applied { stamp: self.stamp, result: number }]),
        };
        Some((number, register))
    }

    /// Whether this record was certainly written before `moment`, whoever's clock it was written by.
    ///
    /// Its attempt was sent more than `margin` earlier: the skew bound plus the time an attempt may take.
    pub fn is_certainly_before(&self, moment: Timestamp, margin: Duration) -> bool {
        self.stamp.at.plus(margin) < moment
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("value", &format_args!("<{} bytes>", self.value.len()))
            .field("expires_at", &self.expires_at)
            .field("stamp", &self.stamp)
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}

/// Reads a counter's text: `-?(0|[1-9][0-9]*)` within an `i64` (C1).
pub fn parse_counter(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let canonical = match digits {
        [b'0'] => true,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    canonical.then(|| std::str::from_utf8(text).ok()?.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counter_text_is_canonical_decimal() {
        for (text, number) in [("0", 0), ("-1", -1), ("42", 42), ("-0", 0)] {
            assert_eq!(parse_counter(text.as_bytes()), Some(number), "{text}");
        }
        assert_eq!(parse_counter(i64::MIN.to_string().as_bytes()), Some(i64::MIN));
        for text in ["", "-", "+1", "01", "1.0", " 1", "9223372036854775808", "1a"] {
            assert_eq!(parse_counter(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_stamp_survives_its_stored_form() {
        let stamp = WriteStamp::new(Timestamp::from_millis(1_767_225_600_123));
        assert_eq!(WriteStamp::from_bytes(&stamp.to_bytes()), stamp);
    }

    #[test]
    fn a_register_forgets_the_oldest() {
        let mut register = Register::default();
        let stamps: Vec<_> = (0..10).map(|at| WriteStamp::new(Timestamp::from_millis(at))).collect();
        for (result, &stamp) in (0_i64..).zip(&stamps) {
            register.push(Applied { stamp, result });
        }
        assert_eq!(register.history().len(), Register::CAPACITY);
        assert_eq!(register.result_of(stamps[1].id), None);
        assert_eq!(register.result_of(stamps[2].id), Some(2));
    }
}
