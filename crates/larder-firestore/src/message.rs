//! Parts of messages: a tag, a length, and what has that length.

use gcloud_sdk::prost::Message as _;
use gcloud_sdk::prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len};
use gcloud_sdk::prost_types::Timestamp;

use crate::names::Name;

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
