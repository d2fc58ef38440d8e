//! The driver: one request of the gateway behind each method.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use larder_core::driver::{
    BatchItem, BatchLimits, Driver, DriverError, DriverInfo, Health, Increment, IncrementReply, LayoutKeeper,
    Read, Reaper, RowKey, ScanReply, ScanRequest, Swept, Write, WriteReply,
};
use larder_core::record::Record;
use larder_core::{AFTER_EVERY_KEY, Clock, ErrorKind, Result, Timestamp};

use crate::client::Client;
use crate::error::failed;
use crate::options::RemoteOptions;
use crate::wire::{Call, MAX_BATCH, MAX_BATCH_BYTES, Reply};

/// A store behind a gateway.
///
/// Clones share one client: its connections, and what it knows of the gateway's clock.
#[derive(Clone)]
pub struct RemoteDriver {
    client: Arc<Client>,
    info: DriverInfo,
}

impl RemoteDriver {
    /// Prepares to use a binding of a gateway, which is first asked by the first operation.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a URL, a binding or a key that cannot be right, and for a URL by which the key would be sent in
    /// the clear over a network.
    pub fn open(options: &RemoteOptions) -> Result<Self> {
        let client = Client::new(options)?;
        let info = DriverInfo {
            system: "larder",
            // The URL was checked to hold no password.
            store: format!("binding {} of the gateway at {}", options.binding, options.url).into(),
            default_shards: 1,
            layout: LayoutKeeper::Server,
            batch: BatchLimits {
                reads: MAX_BATCH,
                writes: MAX_BATCH,
                write_bytes: MAX_BATCH_BYTES,
                group: None,
            },
            stream_page: 1_000,
            // Who runs the gateway looks after its stores.
            reaper: Reaper::Platform,
        };
        Ok(Self { client: Arc::new(client), info })
    }

    /// Sends one attempt. `now` is the moment that a write's expiry is meant from.
    async fn attempt<T>(
        &self,
        call: Call,
        now: impl Into<Option<Timestamp>>,
        pick: impl FnOnce(Reply) -> Option<T>,
    ) -> Result<T, DriverError> {
        let (method, assumed) = (call.method(), self.client.clock.assumed());
        let outcome = match self.client.send(call, now.into()).await {
            Ok(outcome) => outcome,
            Err(failure) => Err(failed(failure, &self.info.store)),
        };
        let picked = outcome.and_then(|reply| {
            pick(reply).ok_or_else(|| failed(crate::error::Failure::Foreign, &self.info.store))
        });
        picked.map_err(|error| match method.writes() {
            // Its expiry is by a time that it never was. The next write is by the right one.
            true if self.client.clock.was_wrong(assumed) => error.permanent(),
            true => error,
            // Nothing but a read was sent.
            false => error.not_applied(),
        })
    }
}

/// The replies of a batch, if there is one for every position.
fn all<T>(items: Vec<T>, positions: usize) -> Option<Vec<T>> {
    (items.len() == positions).then_some(items)
}

#[async_trait]
impl Driver for RemoteDriver {
    fn info(&self) -> &DriverInfo {
        &self.info
    }

    fn clock(&self) -> Option<Arc<dyn Clock>> {
        Some(Arc::clone(&self.client.clock) as Arc<dyn Clock>)
    }

    async fn get(&self, key: &RowKey, read: Read) -> Result<Option<Record>, DriverError> {
        let call = Call::Get { key: key.key.clone(), read };
        self.attempt(call, None, |reply| match reply {
            Reply::Record(record) => Some(record),
            _ => None,
        })
        .await
    }

    async fn write(&self, key: &RowKey, write: &Write, now: Timestamp) -> Result<WriteReply, DriverError> {
        let call = Call::Write { key: key.key.clone(), write: write.clone() };
        self.attempt(call, now, |reply| match reply {
            Reply::Written(reply) => Some(reply),
            _ => None,
        })
        .await
    }

    async fn increment(
        &self,
        key: &RowKey,
        increment: &Increment,
        now: Timestamp,
    ) -> Result<IncrementReply, DriverError> {
        let call = Call::Increment { key: key.key.clone(), increment: *increment };
        self.attempt(call, now, |reply| match reply {
            Reply::Added(reply) => Some(reply),
            _ => None,
        })
        .await
    }

    async fn scan(&self, request: &ScanRequest) -> Result<ScanReply, DriverError> {
        self.attempt(Call::Scan(request.clone()), None, |reply| match reply {
            Reply::Rows(reply) => Some(reply),
            _ => None,
        })
        .await
    }

    /// Whether what the key reaches of the store is.
    async fn is_empty(&self) -> Result<bool, DriverError> {
        Ok(self.scan(&ScanRequest::any_row(AFTER_EVERY_KEY)).await?.rows.is_empty())
    }

    async fn get_batch(
        &self,
        keys: &[RowKey],
        read: Read,
    ) -> Result<Vec<BatchItem<Option<Record>>>, DriverError> {
        let call = Call::GetBatch { keys: keys.iter().map(|key| key.key.clone()).collect(), read };
        self.attempt(call, None, |reply| match reply {
            Reply::Records(items) => all(items, keys.len()),
            _ => None,
        })
        .await
    }

    async fn write_batch(
        &self,
        writes: &[(RowKey, Write)],
        now: Timestamp,
    ) -> Result<Vec<BatchItem<WriteReply>>, DriverError> {
        let call =
            Call::WriteBatch(writes.iter().map(|(key, write)| (key.key.clone(), write.clone())).collect());
        self.attempt(call, now, |reply| match reply {
            Reply::AllWritten(items) => all(items, writes.len()),
            _ => None,
        })
        .await
    }

    /// Nothing: who runs the gateway looks after its stores.
    async fn sweep(&self, _: Timestamp, _: usize) -> Result<Swept, DriverError> {
        Ok(Swept::default())
    }

    async fn check(&self) -> Result<Health, DriverError> {
        let health = self.attempt(Call::Check, None, |reply| match reply {
            Reply::Health(health) => Some(health),
            _ => None,
        });
        let health = health.await?;
        if !self.client.clock.is_known() {
            let reason = format!("the reply of {} took so long that it tells no time", self.info.store);
            return Err(DriverError::refused(ErrorKind::Timeout, reason));
        }
        Ok(health)
    }
}

impl fmt::Debug for RemoteDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteDriver").field("store", &self.info.store).finish_non_exhaustive()
    }
}
