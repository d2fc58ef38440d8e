//! What a store answered.

use std::time::Duration;

use bytes::Bytes;
use larder_core::driver::{BatchItem, DriverError, Effect, Health, IncrementReply, ScanReply, WriteReply};
use larder_core::record::Record;
use larder_core::{ErrorKind, Timestamp};
use smol_str::SmolStr;

use super::codec::{Input, Malformed, Output, Wire};

/// What a store answered to a [`Call`](super::Call).
#[derive(Debug)]
#[expect(missing_docs, reason = "they are what the driver's methods return")]
pub enum Reply {
    Record(Option<Record>),
    Written(WriteReply),
    Added(IncrementReply),
    Rows(ScanReply),
    Records(Vec<BatchItem<Option<Record>>>),
    AllWritten(Vec<BatchItem<WriteReply>>),
    Health(Health),
}

/// A reply, or why there is none.
pub type Outcome = Result<Reply, DriverError>;

/// Times in replies are the gateway's own.
const EPOCH: Timestamp = Timestamp::from_millis(0);

/// The body that tells an outcome. The causes of errors stay on this side; their messages go along.
pub fn encode_outcome(outcome: &Outcome) -> Bytes {
    let mut to = Output::new(EPOCH);
    match outcome {
        Ok(reply) => {
            false.put(&mut to);
            reply.put(&mut to);
        }
        Err(error) => {
            true.put(&mut to);
            error.put(&mut to);
        }
    }
    to.finish()
}

/// Reads a body that tells an outcome.
///
/// # Errors
///
/// What keeps it from being one.
pub fn decode_outcome(body: Bytes) -> Result<Outcome, Malformed> {
    let mut from = Input::new(body, EPOCH)?;
    let outcome = Outcome::read(&mut from)?;
    from.finish(outcome)
}

impl Wire for Reply {
    fn put(&self, to: &mut Output) {
        match self {
            Self::Record(record) => {
                0_u8.put(to);
                record.put(to);
            }
            Self::Written(reply) => {
                1_u8.put(to);
                reply.put(to);
            }
            Self::Added(reply) => {
                2_u8.put(to);
                reply.put(to);
            }
            Self::Rows(reply) => {
                3_u8.put(to);
                reply.put(to);
            }
            Self::Records(items) => {
                4_u8.put(to);
                items.put(to);
            }
            Self::AllWritten(items) => {
                5_u8.put(to);
                items.put(to);
            }
            Self::Health(health) => {
                6_u8.put(to);
                health.server_time.put(to);
            }
        }
    }

    fn read(from: &mut Input) -> Result<Self, Malformed> {
        match u8::read(from)? {
            0 => Wire::read(from).map(Self::Record),
            1 => Wire::read(from).map(Self::Written),
            2 => Wire::read(from).map(Self::Added),
            3 => Wire::read(from).map(Self::Rows),
            4 => Wire::read(from).map(Self::Records),
            5 => Wire::read(from).map(Self::AllWritten),
            6 => Ok(Self::Health(Health { server_time: Wire::read(from)? })),
            _ => Err(Malformed("a reply is of no known kind")),
        }
    }
}

impl<T: Wire> Wire for BatchItem<T> {
    fn put(&self, to: &mut Output) {
        match self {
            Self::Done(result) => {
                true.put(to);
                result.put(to);
            }
            Self::Unprocessed => false.put(to),
        }
    }

    fn read(from: &mut Input) -> Result<Self, Malformed> {
        Ok(if bool::read(from)? { Self::Done(Wire::read(from)?) } else { Self::Unprocessed })
    }
}

/// The kinds of errors, which go by their names.
pub(super) const KINDS: [ErrorKind; 11] = [
    ErrorKind::InvalidInput,
    ErrorKind::NotConfigured,
    ErrorKind::NotProvisioned,
    ErrorKind::Unauthorized,
    ErrorKind::Throttled,
    ErrorKind::Unavailable,
    ErrorKind::Timeout,
    ErrorKind::Ambiguous,
    ErrorKind::Corrupt,
    ErrorKind::Unsupported,
    ErrorKind::Internal,
];

impl Wire for DriverError {
    fn put(&self, to: &mut Output) {
        SmolStr::new(self.kind.as_str()).put(to);
        (self.effect == Effect::Unknown).put(to);
        self.retryable.put(to);
        self.message.put(to);
        let retry_after = self.retry_after.map(|wait| u32::try_from(wait.as_millis()).unwrap_or(u32::MAX));
        retry_after.put(to);
    }

    fn read(from: &mut Input) -> Result<Self, Malformed> {
        let name = SmolStr::read(from)?;
        // A kind that only a newer gateway knows.
        let kind = KINDS.into_iter().find(|kind| kind.as_str() == name).unwrap_or(ErrorKind::Internal);
        let is_unknown = bool::read(from)?;
        let retryable = bool::read(from)?;
        let message = String::read(from)?;
        let mut error = if is_unknown { Self::unknown(kind, message) } else { Self::refused(kind, message) };
        error.retryable = retryable;
        error.retry_after = Option::<u32>::read(from)?.map(|millis| Duration::from_millis(millis.into()));
        Ok(error)
    }
}
