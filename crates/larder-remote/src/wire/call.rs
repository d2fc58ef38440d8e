//! Attempts: what is asked of a store, when, and for how long.

use std::time::Duration;

use bytes::Bytes;
use larder_core::driver::{Increment, Read, ScanRequest, Write};
use larder_core::{CanonicalKey, Timestamp};

use super::codec::{Input, Malformed, Output, Wire};
use super::method::Method;
use super::{MAX_BATCH, MAX_REQUEST_BYTES};

/// What is asked of a store. A key's shard is the gateway's affair.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "they are named after the driver's methods and their arguments")]
pub enum Call {
    Get { key: CanonicalKey, read: Read },
    Write { key: CanonicalKey, write: Write },
    Increment { key: CanonicalKey, increment: Increment },
    Scan(ScanRequest),
    GetBatch { keys: Vec<CanonicalKey>, read: Read },
    WriteBatch(Vec<(CanonicalKey, Write)>),
    Check,
}

/// An attempt at a call.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// When it was sent, by the gateway's clock as who sends it knows it. TTLs count from it.
    pub sent_at: Timestamp,
    /// How long it may take; nobody waits for it after that. Whole milliseconds, up to 49 days.
    pub time_left: Duration,
    /// What is asked.
    pub call: Call,
}

impl Call {
    /// The driver's method that it calls.
    pub fn method(&self) -> Method {
        match self {
            Self::Get { .. } => Method::Get,
            Self::Write { .. } => Method::Write,
            Self::Increment { .. } => Method::Increment,
            Self::Scan(_) => Method::Scan,
            Self::GetBatch { .. } => Method::GetBatch,
            Self::WriteBatch(_) => Method::WriteBatch,
            Self::Check => Method::Check,
        }
    }

    fn put(&self, to: &mut Output) {
        match self {
            Self::Get { key, read } => {
                key.put(to);
                read.put(to);
            }
            Self::Write { key, write } => {
                key.put(to);
                write.put(to);
            }
            Self::Increment { key, increment } => {
                key.put(to);
                increment.put(to);
            }
            Self::Scan(request) => request.put(to),
            Self::GetBatch { keys, read } => {
                keys.put(to);
                read.put(to);
            }
            Self::WriteBatch(writes) => writes.put(to),
            Self::Check => {}
        }
    }

    fn read(method: Method, from: &mut Input) -> Result<Self, Malformed> {
        let call = match method {
            Method::Get => Self::Get { key: Wire::read(from)?, read: Wire::read(from)? },
            Method::Write => Self::Write { key: Wire::read(from)?, write: Wire::read(from)? },
            Method::Increment => Self::Increment { key: Wire::read(from)?, increment: Wire::read(from)? },
            Method::Scan => Self::Scan(Wire::read(from)?),
            Method::GetBatch => Self::GetBatch { keys: Wire::read(from)?, read: Wire::read(from)? },
            Method::WriteBatch => Self::WriteBatch(Wire::read(from)?),
            Method::Check => Self::Check,
        };
        let positions = match &call {
            Self::GetBatch { keys, .. } => keys.len(),
            Self::WriteBatch(writes) => writes.len(),
            _ => 0,
        };
        if positions > MAX_BATCH {
            return Err(Malformed("a batch has more than 100 positions"));
        }
        Ok(call)
    }
}

impl Attempt {
    /// The body of its request.
    pub fn encode(&self) -> Bytes {
        let mut to = Output::new(self.sent_at);
        self.sent_at.put(&mut to);
        u32::try_from(self.time_left.as_millis()).unwrap_or(u32::MAX).put(&mut to);
        self.call.put(&mut to);
        to.finish()
    }

    /// Reads the body of a request of that method.
    ///
    /// # Errors
    ///
    /// What keeps it from being one.
    pub fn decode(method: Method, body: Bytes) -> Result<Self, Malformed> {
        if body.len() > MAX_REQUEST_BYTES {
            return Err(Malformed("the body has more than 4 MiB"));
        }
        let mut from = Input::new(body, Timestamp::from_millis(0))?;
        let sent_at = Timestamp::read(&mut from)?;
        from.set_base(sent_at);
        let time_left = Duration::from_millis(u32::read(&mut from)?.into());
        let call = Call::read(method, &mut from)?;
        from.finish(Self { sent_at, time_left, call })
    }
}
