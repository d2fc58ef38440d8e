//! The smallest parts of the form, written and read with every length checked.

use std::fmt;

use bytes::{Buf, BufMut, Bytes};
use larder_core::{Expiry, Timestamp};
use smol_str::SmolStr;

/// What is no body of an attempt: cut short, too long, of another version, or of something else.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Malformed(pub(crate) &'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Malformed {}

/// The most parts of any list: no page has more entries.
const MAX_PARTS: usize = 1_000;

/// A body that is being written.
pub(super) struct Output {
    bytes: Vec<u8>,
    /// What expiries are told from.
    base: Timestamp,
}

/// A body that is being read.
pub(super) struct Input {
    bytes: Bytes,
    base: Timestamp,
}

impl Output {
    pub(super) fn new(base: Timestamp) -> Self {
        Self { bytes: vec![super::FORMAT], base }
    }

    pub(super) fn finish(self) -> Bytes {
        self.bytes.into()
    }
}

impl Input {
    pub(super) fn new(mut bytes: Bytes, base: Timestamp) -> Result<Self, Malformed> {
        match bytes.try_get_u8() {
            Ok(super::FORMAT) => Ok(Self { bytes, base }),
            Ok(_) => {
                Err(Malformed("the body has another version than this program's: upgrade the older side"))
            }
            Err(_) => Err(Malformed("the body is empty")),
        }
    }

    /// What expiries are told from, where the body itself tells it.
    pub(super) fn set_base(&mut self, base: Timestamp) {
        self.base = base;
    }

    /// What was read, if nothing is left.
    pub(super) fn finish<T>(self, read: T) -> Result<T, Malformed> {
        if self.bytes.is_empty() { Ok(read) } else { Err(Malformed("the body is longer than what it says")) }
    }
}

const SHORT: Malformed = Malformed("the body is cut short");

/// A part of a body.
pub(super) trait Wire: Sized {
    fn put(&self, to: &mut Output);

    fn read(from: &mut Input) -> Result<Self, Malformed>;
}

macro_rules! number {
    ($type:ty, $put:ident, $take:ident) => {
        impl Wire for $type {
            fn put(&self, to: &mut Output) {
                to.bytes.$put(*self);
            }

            fn read(from: &mut Input) -> Result<Self, Malformed> {
                from.bytes.$take().map_err(|_| SHORT)
            }
        }
    };
}

number!(u8, put_u8, try_get_u8);
number!(u32, put_u32, try_get_u32);
number!(u64, put_u64, try_get_u64);
number!(i64, put_i64, try_get_i64);

impl Wire for bool {
    fn put(&self, to: &mut Output) {
        u8::from(*self).put(to);
    }

    fn read(from: &mut Input) -> Result<Self, Malformed> {
        match u8::read(from)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed("a yes or no is neither")),
        }
    }
}

/// Lengths beyond what 32 bits hold are those of no body: it would be refused by its size.
fn put_len(len: usize, to: &mut Output) {
    u32::try_from(len).unwrap_or(u32::MAX).put(to);
}

impl Wire for Bytes {
    fn put(&self, to: &mut Output) {
        put_len(self.len(), to);
        to.bytes.put_slice(self);
    }

    fn read(from: &mut Input) -> Result<Self, Malformed> {
        let len = u32::read(from)? as usize;
        if len > from.bytes.len() {
            return Err(SHORT);
        }
        Ok(from.bytes.split_to(len))
    }
}

impl<const N: usize> Wire for [u8; N] {
    fn put(&self, to: &mut Output) {
        to.bytes.put_slice(self);
    }

    fn read(from: &mut Input) -> Result<Self, Malformed> {
        let mut bytes = [0; N];
        from.bytes.try_copy_to_slice(&mut bytes).map_err(|_| SHORT)?;
        Ok(bytes)
    }
}

impl Wire for SmolStr {
    fn put(&self, to: &mut Output) {
        put_len(self.len(), to);
        to.bytes.put_slice(self.as_bytes());
    }

    fn read(from: &mut Input) -> Result<Self, Malformed> {
        let bytes = Bytes::read(from)?;
        std::str::from_utf8(&bytes).map(Self::from).map_err(|_| Malformed("a text is not UTF-8"))
    }
}

impl Wire for String {
    fn put(&self, to: &mut Output) {
        put_len(self.len(), to);
        to.bytes.put_slice(self.as_bytes());
    }

    fn read(from: &mut Input) -> Result<Self, Malformed> {
        SmolStr::read(from).map(Self::from)
    }
}

impl<T: Wire> Wire for Option<T> {
    fn put(&self, to: &mut Output) {
        self.is_some().put(to);
        if let Some(part) = self {
            part.put(to);
        }
    }

    fn read(from: &mut Input) -> Result<Self, Malformed> {
        bool::read(from)?.then(|| T::read(from)).transpose()
    }
}

impl<T: Wire> Wire for Box<T> {
    fn put(&self, to: &mut Output) {
        (**self).put(to);
    }

    fn read(from: &mut Input) -> Result<Self, Malformed> {
        T::read(from).map(Self::new)
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn put(&self, to: &mut Output) {
        put_len(self.len(), to);
        for part in self {
            part.put(to);
        }
    }

    fn read(from: &mut Input) -> Result<Self, Malformed> {
        let len = u32::read(from)? as usize;
        // Each part has a byte at least.
        if len > MAX_PARTS || len > from.bytes.len() {
            return Err(Malformed("a list is longer than any may be, or than the body"));
        }
        (0..len).map(|_| T::read(from)).collect()
    }
}

impl<T: Wire, E: Wire> Wire for Result<T, E> {
    fn put(&self, to: &mut Output) {
        self.is_err().put(to);
        match self {
            Ok(part) => part.put(to),
            Err(part) => part.put(to),
        }
    }

    fn read(from: &mut Input) -> Result<Self, Malformed> {
        Ok(if bool::read(from)? { Err(E::read(from)?) } else { Ok(T::read(from)?) })
    }
}

impl<A: Wire, B: Wire> Wire for (A, B) {
    fn put(&self, to: &mut Output) {
        self.0.put(to);
        self.1.put(to);
    }

    fn read(from: &mut Input) -> Result<Self, Malformed> {
        Ok((A::read(from)?, B::read(from)?))
    }
}

impl Wire for Timestamp {
    fn put(&self, to: &mut Output) {
        self.as_millis().put(to);
    }

    fn read(from: &mut Input) -> Result<Self, Malformed> {
        u64::read(from).map(Self::from_millis)
    }
}

impl Wire for Expiry {
    /// Never, or the milliseconds from the base to it; negative for what has expired already.
    fn put(&self, to: &mut Output) {
        let from_base = self.moment().map(|moment| {
            let millis = i128::from(moment.as_millis()) - i128::from(to.base.as_millis());
            i64::try_from(millis).unwrap_or(i64::MAX)
        });
        from_base.put(to);
    }

    fn read(from: &mut Input) -> Result<Self, Malformed> {
        let Some(from_base) = Option::<i64>::read(from)? else { return Ok(Self::NEVER) };
        let millis = i128::from(from.base.as_millis()) + i128::from(from_base);
        let expiry = u64::try_from(millis).map(|millis| Self::at(Timestamp::from_millis(millis)));
        expiry.ok().filter(|expiry| *expiry != Self::NEVER).ok_or(Malformed("an expiry is at no time"))
    }
}
