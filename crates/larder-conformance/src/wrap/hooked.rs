//! The driver that forwards every call, and asks a hook first.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use larder_core::driver::{
    BatchItem, Driver, DriverError, DriverInfo, Health, Increment, IncrementReply, Read, RowKey, ScanReply,
    ScanRequest, Swept, Write, WriteReply,
};
use larder_core::record::Record;
use larder_core::{Clock, Timestamp};

/// A method of [`Driver`] that sends a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "they are named after the methods")]
pub enum Method {
    Get,
    Write,
    Increment,
    Scan,
    IsEmpty,
    GetBatch,
    WriteBatch,
    Sweep,
    Check,
}

impl Method {
    /// Every method, in the order of their discriminants.
    pub const ALL: [Self; 9] = [
        Self::Get,
        Self::Write,
        Self::Increment,
        Self::Scan,
        Self::IsEmpty,
        Self::GetBatch,
        Self::WriteBatch,
        Self::Sweep,
        Self::Check,
    ];
}

/// A call on a driver, with its arguments.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "they are named after the methods")]
pub enum Call<'a> {
    Get(&'a RowKey, Read),
    Write(&'a RowKey, &'a Write, Timestamp),
    Increment(&'a RowKey, &'a Increment, Timestamp),
    Scan(&'a ScanRequest),
    IsEmpty,
    GetBatch(&'a [RowKey], Read),
    WriteBatch(&'a [(RowKey, Write)], Timestamp),
    Sweep,
    Check,
}

impl Call<'_> {
    /// Which method it is.
    pub fn method(self) -> Method {
        match self {
            Self::Get(..) => Method::Get,
            Self::Write(..) => Method::Write,
            Self::Increment(..) => Method::Increment,
            Self::Scan(..) => Method::Scan,
            Self::IsEmpty => Method::IsEmpty,
            Self::GetBatch(..) => Method::GetBatch,
            Self::WriteBatch(..) => Method::WriteBatch,
            Self::Sweep => Method::Sweep,
            Self::Check => Method::Check,
        }
    }

    /// Whether it is about one of Larder's own records, such as the layout.
    pub fn is_system(self) -> bool {
        match self {
            Self::Get(row, _) | Self::Write(row, ..) | Self::Increment(row, ..) => row.key.is_system(),
            _ => false,
        }
    }
}

/// What a hook decides about a call.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Send it, and give back the reply.
    Pass,
    /// Do not send it, and give back this error.
    Fail(DriverError),
    /// Send it, and give back this error instead of the reply.
    LoseReply(DriverError),
    /// Do not send it, and never answer.
    Hang,
}

/// What happens to the calls on a [`Hooked`] driver. Every method is provided: a hook names what it is about.
#[async_trait]
pub trait Hook: Send + Sync + fmt::Debug + 'static {
    /// Decides about a call before it is sent. `inner` is there for requests of the hook's own.
    async fn before(&self, call: Call<'_>, inner: &dyn Driver) -> Verdict {
        let _ = (call, inner);
        Verdict::Pass
    }

    /// What the driver says about itself, asked once.
    fn info(&self, inner: &DriverInfo) -> DriverInfo {
        inner.clone()
    }

    /// What the store says about itself.
    fn health(&self, inner: Health) -> Health {
        inner
    }

    /// Keeps positions of a batch from being sent: `keys` are all of them, and the answer has one item for each.
    ///
    /// `None` sends the position; `Some(None)` leaves it undone; `Some(Some(error))` fails it.
    fn withheld(&self, keys: &[&RowKey]) -> Vec<Option<Option<DriverError>>> {
        vec![None; keys.len()]
    }

    /// A driver with this hook.
    fn over(self: &Arc<Self>, inner: impl Driver + 'static) -> Hooked<Self>
    where
        Self: Sized,
    {
        let info = self.info(inner.info());
        Hooked { inner: Arc::new(inner), info, hook: Arc::clone(self) }
    }
}

/// A driver that forwards every call, and asks its hook first. Made by [`Hook::over`].
#[derive(Debug)]
pub struct Hooked<H> {
    inner: Arc<dyn Driver>,
    info: DriverInfo,
    hook: Arc<H>,
}

impl<H: Hook> Hooked<H> {
    async fn ask<T>(
        &self,
        call: Call<'_>,
        send: impl Future<Output = Result<T, DriverError>>,
    ) -> Result<T, DriverError> {
        match self.hook.before(call, &*self.inner).await {
            Verdict::Pass => send.await,
            Verdict::Fail(error) => Err(error),
            Verdict::LoseReply(error) => {
                // Whatever it is, nobody learns it.
                let _ = send.await;
                Err(error)
            }
            Verdict::Hang => std::future::pending().await,
        }
    }
}

/// Puts the replies for what was sent back between the positions that were withheld.
fn interleaved<T>(withheld: Vec<Option<Option<DriverError>>>, sent: Vec<BatchItem<T>>) -> Vec<BatchItem<T>> {
    let mut sent = sent.into_iter();
    let items = withheld.into_iter().map_while(|withheld| match withheld {
        None => sent.next(),
        Some(None) => Some(BatchItem::Unprocessed),
        Some(Some(error)) => Some(BatchItem::Done(Err(error))),
    });
    items.collect()
}

/// The items that are not withheld.
fn kept<T: Clone>(items: &[T], withheld: &[Option<Option<DriverError>>]) -> Vec<T> {
    items
        .iter()
        .zip(withheld)
        .filter(|(_, withheld)| withheld.is_none())
        .map(|(item, _)| item.clone())
        .collect()
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<H: Hook> Driver for Hooked<H> {
    fn info(&self) -> &DriverInfo {
        &self.info
    }

    /// The one that the case moves: a handle would ask for another one's time first, a call that no script reckons with.
    fn clock(&self) -> Option<Arc<dyn Clock>> {
        None
    }

    async fn get(&self, key: &RowKey, read: Read) -> Result<Option<Record>, DriverError> {
        self.ask(Call::Get(key, read), self.inner.get(key, read)).await
    }

    fn get_at_hand(&self, _key: &RowKey, _read: Read) -> Option<Result<Option<Record>, DriverError>> {
        // The hook waits.
        None
    }

    async fn write(&self, key: &RowKey, write: &Write, now: Timestamp) -> Result<WriteReply, DriverError> {
        self.ask(Call::Write(key, write, now), self.inner.write(key, write, now)).await
    }

    async fn increment(
        &self,
        key: &RowKey,
        increment: &Increment,
        now: Timestamp,
    ) -> Result<IncrementReply, DriverError> {
        self.ask(Call::Increment(key, increment, now), self.inner.increment(key, increment, now)).await
    }

    async fn scan(&self, request: &ScanRequest) -> Result<ScanReply, DriverError> {
        self.ask(Call::Scan(request), self.inner.scan(request)).await
    }

    async fn is_empty(&self) -> Result<bool, DriverError> {
        self.ask(Call::IsEmpty, self.inner.is_empty()).await
    }

    async fn get_batch(
        &self,
        keys: &[RowKey],
        read: Read,
    ) -> Result<Vec<BatchItem<Option<Record>>>, DriverError> {
        let withheld = self.hook.withheld(&keys.iter().collect::<Vec<_>>());
        let sent = kept(keys, &withheld);
        let items = self.ask(Call::GetBatch(keys, read), self.inner.get_batch(&sent, read)).await?;
        Ok(interleaved(withheld, items))
    }

    async fn write_batch(
        &self,
        writes: &[(RowKey, Write)],
        now: Timestamp,
    ) -> Result<Vec<BatchItem<WriteReply>>, DriverError> {
        let withheld = self.hook.withheld(&writes.iter().map(|(key, _)| key).collect::<Vec<_>>());
        let sent = kept(writes, &withheld);
        let items = self.ask(Call::WriteBatch(writes, now), self.inner.write_batch(&sent, now)).await?;
        Ok(interleaved(withheld, items))
    }

    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<Swept, DriverError> {
        self.ask(Call::Sweep, self.inner.sweep(now, limit)).await
    }

    async fn check(&self) -> Result<Health, DriverError> {
        let health = self.ask(Call::Check, self.inner.check()).await?;
        Ok(self.hook.health(health))
    }
}
