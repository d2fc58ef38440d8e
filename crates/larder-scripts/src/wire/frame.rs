//! Frames: four bytes of length, little-endian, and a message.

use std::io::{self, Read};

use bytes::{Buf, BytesMut};
use serde::Serialize;
use serde::de::DeserializeOwned;

const HEAD: usize = 4;

/// Writes a message behind what is in the buffer.
///
/// # Errors
///
/// None in practice: one that cannot be written is a defect.
pub(crate) fn encode<T: Serialize>(message: &T, buffer: &mut Vec<u8>) -> io::Result<()> {
    let start = buffer.len();
    buffer.extend_from_slice(&[0; HEAD]);
    postcard::to_io(message, &mut *buffer).map_err(malformed)?;
    let length = u32::try_from(buffer.len() - start - HEAD).map_err(io::Error::other)?;
    buffer[start..start + HEAD].copy_from_slice(&length.to_le_bytes());
    Ok(())
}

/// Waits for a message of somebody who is trusted; `None` at the end of the stream.
///
/// # Errors
///
/// What keeps the stream from being read, and what is no message.
pub(crate) fn read_message<T: DeserializeOwned>(stream: &mut impl Read) -> io::Result<Option<T>> {
    let mut head = [0; HEAD];
    match stream.read_exact(&mut head) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let mut body = vec![0; u32::from_le_bytes(head) as usize];
    stream.read_exact(&mut body)?;
    postcard::from_bytes(&body).map(Some).map_err(malformed)
}

/// What has come in of frames, from somebody who is not trusted.
pub(crate) struct Frames {
    pub(crate) buffer: BytesMut,
    limit: usize,
}

impl Frames {
    /// Frames of up to so many bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self { buffer: BytesMut::with_capacity(8 * 1024), limit }
    }

    /// The next message, if it is there whole.
    ///
    /// # Errors
    ///
    /// `InvalidData` for a frame that is too long, and for what is no message.
    pub(crate) fn next<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        let Some((head, body)) = self.buffer.split_first_chunk::<HEAD>() else { return Ok(None) };
        let length = u32::from_le_bytes(*head) as usize;
        if length > self.limit {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame is too long"));
        }
        let Some(body) = body.get(..length) else { return Ok(None) };
        let message = postcard::from_bytes(body).map_err(malformed)?;
        self.buffer.advance(HEAD + length);
        Ok(Some(message))
    }
}

impl std::fmt::Debug for Frames {
    /// Without what came in: values are in it (E2).
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Frames(<{} bytes>)", self.buffer.len())
    }
}

fn malformed(error: postcard::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Answer, FromWorker, ToWorker};

    #[test]
    fn messages_come_out_as_they_went_in_however_they_are_cut() {
        let mut sent = Vec::new();
        for id in 0..3 {
            encode(&ToWorker::Reply { id, answer: Ok(Answer::Value(Some(vec![7; 300]))) }, &mut sent)
                .expect("it fits");
        }
        let mut frames = Frames::new(1_000);
        let mut ids = Vec::new();
        for byte in &sent {
            frames.buffer.extend_from_slice(&[*byte]);
            while let Some(ToWorker::Reply { id, answer }) = frames.next().expect("a message") {
                assert!(matches!(answer, Ok(Answer::Value(Some(value))) if value == [7; 300]));
                ids.push(id);
            }
        }
        assert_eq!(ids, [0, 1, 2]);
        let mut stream = &sent[..];
        while let Some(ToWorker::Reply { id, .. }) = read_message(&mut stream).expect("a message") {
            ids.push(id);
        }
        assert_eq!(ids, [0, 1, 2, 0, 1, 2]);
    }

    #[test]
    fn what_is_too_long_or_no_message_is_refused_before_it_is_held() {
        let mut frames = Frames::new(10);
        frames.buffer.extend_from_slice(&u32::MAX.to_le_bytes());
        assert!(frames.next::<FromWorker>().is_err());
        let mut frames = Frames::new(10);
        frames.buffer.extend_from_slice(&[2, 0, 0, 0, 0xff, 0xff]);
        assert!(frames.next::<FromWorker>().is_err());
    }
}
