//! Values: opaque bytes within one limit (V1).

use bytes::Bytes;

use crate::error::InvalidInput;

/// The largest value, in bytes (V1).
pub const MAX_VALUE_BYTES: usize = 24_576;

/// What can be put: anything that is bytes already.
///
/// A `Vec`, a `String` and `Bytes` are taken over without a copy; borrowed bytes and text are copied once.
///
/// ```
/// use larder_core::Value;
///
/// let from_text: Value = "hello".into();
/// let from_bytes: Value = b"hello".into();
/// assert_eq!(from_text.as_bytes(), from_bytes.as_bytes());
/// ```
#[derive(Clone, Default)]
pub struct Value(Bytes);

impl Value {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, taken over.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// Refuses a value that is too large, before any I/O.
    pub(crate) fn checked(self) -> Result<Bytes, InvalidInput> {
        if self.0.len() > MAX_VALUE_BYTES {
            return Err(InvalidInput::new(format!(
                "the value has {} bytes; the limit is {MAX_VALUE_BYTES}: store large data elsewhere and its address here",
                self.0.len()
            )));
        }
        Ok(self.0)
    }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Value(<{} bytes>)", self.0.len())
    }
}

impl From<Bytes> for Value {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self(Bytes::copy_from_slice(bytes))
    }
}

impl<const N: usize> From<&[u8; N]> for Value {
    fn from(bytes: &[u8; N]) -> Self {
        Self(Bytes::copy_from_slice(bytes))
    }
}

impl From<&Vec<u8>> for Value {
    fn from(bytes: &Vec<u8>) -> Self {
        Self(Bytes::copy_from_slice(bytes))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}
