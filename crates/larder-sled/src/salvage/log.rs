//! The messages of sled's log, in the order in which they were written.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use super::wire::Wire;
use crate::store::SEGMENT_BYTES;

/// What a segment begins with: a checksum, its position in the log, and another position.
const SEGMENT_HEADER: usize = 20;

/// A message about a page.
#[derive(Debug)]
pub(super) struct Message<'a> {
    pub(super) page: u64,
    /// Where it is in the log: what is written later has a larger one.
    pub(super) position: u64,
    pub(super) kind: Kind,
    pub(super) body: &'a [u8],
}

/// What a message says of its page. Values are never so large that sled puts them elsewhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// The page is not in use any more.
    Free,
    /// This is all of the page.
    Node,
    /// This is changed in the page.
    Link,
    /// Nothing of a page.
    Other,
}

/// Reads all messages that are whole.
pub(super) fn read(file: &File, mut apply: impl FnMut(Message<'_>)) -> io::Result<()> {
    let length = file.metadata()?.len();
    let mut segments = Vec::new();
    let mut buffer = vec![0; SEGMENT_BYTES];
    for at in (0..length).step_by(SEGMENT_BYTES) {
        let segment = read_segment(file, at, &mut buffer)?;
        if let Some(number) = number_of(segment) {
            segments.push((number, at));
        }
    }
    segments.sort_unstable();
    for (number, at) in segments {
        messages(read_segment(file, at, &mut buffer)?, number, &mut apply);
    }
    Ok(())
}

fn read_segment<'a>(mut file: &File, at: u64, buffer: &'a mut Vec<u8>) -> io::Result<&'a [u8]> {
    file.seek(SeekFrom::Start(at))?;
    buffer.clear();
    file.take(SEGMENT_BYTES as u64).read_to_end(buffer)?;
    Ok(buffer)
}

/// Which segment of the log this is: by its header, or by its first whole message.
fn number_of(segment: &[u8]) -> Option<u64> {
    let header = segment.get(..SEGMENT_HEADER)?;
    let mut wire = Wire(header);
    let sum = wire.u32()?;
    if !crc32fast::hash(&header[4..]) == sum {
        let position = wire.bytes(8)?.try_into().ok().map(i64::from_le_bytes)?;
        let position = u64::try_from(position ^ i64::MAX).ok()?;
        return Some(position / SEGMENT_BYTES as u64);
    }
    (SEGMENT_HEADER..segment.len()).find_map(|at| message(&segment[at..])).map(|found| found.segment)
}

/// Reads the messages of a segment. Those of another are left from before it was used again.
fn messages(segment: &[u8], number: u64, apply: &mut impl FnMut(Message<'_>)) {
    let mut at = SEGMENT_HEADER.min(segment.len());
    while at < segment.len() {
        match message(&segment[at..]).filter(|found| found.segment == number) {
            Some(found) => {
                if found.kind != Kind::Other {
                    apply(Message {
                        page: found.page,
                        position: number * SEGMENT_BYTES as u64 + at as u64,
                        kind: found.kind,
                        body: found.body,
                    });
                }
                at += found.length;
            }
            None => at += 1,
        }
    }
}

struct Found<'a> {
    kind: Kind,
    segment: u64,
    page: u64,
    body: &'a [u8],
    /// Of all of it.
    length: usize,
}

/// The message that begins here, if one does and it is whole.
fn message(bytes: &[u8]) -> Option<Found<'_>> {
    // Cheap first: most positions of a damaged segment begin nothing.
    let kind = match bytes.get(4)? {
        4 => Kind::Free,
        8 => Kind::Node,
        10 => Kind::Link,
        1 | 2 | 3 | 5..=7 | 9 | 11 => Kind::Other,
        _ => return None,
    };
    let mut wire = Wire(bytes);
    let sum = wire.u32()?;
    wire.byte()?;
    let length = usize::try_from(wire.number()?).ok()?;
    let segment = wire.number()?;
    let page = wire.number()?;
    let header = &bytes[4..bytes.len() - wire.0.len()];
    let body = wire.bytes(length)?;
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(body);
    hasher.update(header);
    (!hasher.finalize() == sum).then(|| Found {
        kind,
        segment,
        page,
        body,
        length: bytes.len() - wire.0.len(),
    })
}
