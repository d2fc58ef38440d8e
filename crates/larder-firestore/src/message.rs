//! Messages, and their parts: a tag, a length, and what has that length.

use bytes::Bytes;
use gcloud_sdk::prost::Message;
use gcloud_sdk::prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len};
use gcloud_sdk::prost_types::Timestamp;

use crate::names::Name;

/// What gRPC puts before a message: whether it is compressed, and how long it is.
const FRAME: usize = 5;

/// A request as it is sent: one message, behind what gRPC puts before it.
pub(crate) struct Framed(Bytes);

impl Framed {
    pub(crate) fn of(message: &impl Part) -> Self {
        Self::written(message.len(), |buffer| message.put(buffer))
    }

    /// Of one of the SDK's messages.
    pub(crate) fn of_sdk(message: &impl Message) -> Self {
        Self::written(message.encoded_len(), |buffer| message.encode_raw(buffer))
    }

    fn written(len: usize, put: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut buffer = Vec::with_capacity(FRAME + len);
        buffer.push(0);
        // None is longer: what a batch may hold is much less.
        buffer.extend_from_slice(&u32::try_from(len).unwrap_or(u32::MAX).to_be_bytes());
        put(&mut buffer);
        Self(buffer.into())
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        self.0
    }

    #[cfg(test)]
    pub(crate) fn message(&self) -> &[u8] {
        let (frame, message) = self.0.split_at(FRAME);
        let len = u32::try_from(message.len()).expect("a short one").to_be_bytes();
        assert_eq!(frame, [&[0], &len[..]].concat());
        message
    }
}

/// A part of a message that knows its length before it is written.
pub(crate) trait Part {
    fn len(&self) -> usize;

    fn put(&self, into: &mut Vec<u8>);
}

/// The length of a part under its tag.
pub(crate) fn tagged_len(tag: u32, part: &impl Part) -> usize {
    let len = part.len();
    key_len(tag) + encoded_len_varint(len as u64) + len
}

/// Writes a part under its tag, with its length before it.
pub(crate) fn put_tagged(tag: u32, part: &impl Part, into: &mut Vec<u8>) {
    encode_key(tag, WireType::LengthDelimited, into);
    encode_varint(part.len() as u64, into);
    part.put(into);
}

impl Part for &[u8] {
    fn len(&self) -> usize {
        <[u8]>::len(self)
    }

    fn put(&self, into: &mut Vec<u8>) {
        into.extend_from_slice(self);
    }
}

impl Part for &str {
    fn len(&self) -> usize {
        str::len(self)
    }

    fn put(&self, into: &mut Vec<u8>) {
        into.extend_from_slice(self.as_bytes());
    }
}

impl Part for Name<'_> {
    fn len(&self) -> usize {
        self.parts().iter().map(|part| part.len()).sum()
    }

    fn put(&self, into: &mut Vec<u8>) {
        for part in self.parts() {
            into.extend_from_slice(part.as_bytes());
        }
    }
}

impl Part for Timestamp {
    fn len(&self) -> usize {
        self.encoded_len()
    }

    fn put(&self, into: &mut Vec<u8>) {
        self.encode_raw(into);
    }
}
