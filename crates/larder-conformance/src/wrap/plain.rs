//! A driver that does no more than the trait obliges it to.

use std::sync::Arc;

use async_trait::async_trait;
use larder_core::Timestamp;
use larder_core::driver::{
    Driver, DriverError, DriverInfo, Guard, Health, Observed, Read, RowKey, ScanReply, ScanRequest, Swept,
    Write, WriteReply,
};
use larder_core::record::{Record, Revision, WriteId};

/// Takes every liberty that [`Driver`] gives, as the plainest platforms do, so that the handle has to do the rest.
///
/// It refuses [`Guard::Live`] without a request, lets an expired record stand in the way of [`Guard::Absent`], never
/// shows what a write was refused for, has revisions of its own like an ETag, adds to counters by reading and writing
/// back, and sends batches one by one. Between its steps others get their turn, as they do during a real request.
#[derive(Debug)]
pub struct Plain(Arc<dyn Driver>);

impl Plain {
    /// Makes the driver plain.
    pub fn over(inner: impl Driver + 'static) -> Self {
        Self(Arc::new(inner))
    }
}

/// Lets the other tasks go on.
///
/// Twice, since the handle polls an attempt that is not ready once more at once.
async fn others_turn() {
    tokio::task::yield_now().await;
    tokio::task::yield_now().await;
}

/// The ETag for a write id.
fn etag(revision: Revision) -> Revision {
    let Revision::WriteId(id) = revision else { return revision };
    Revision::Platform(format!("W/\"{:032x}\"", u128::from_be_bytes(*id.as_bytes())).into())
}

fn with_etag(record: Record) -> Record {
    Record { revision: etag(record.revision.clone()), ..record }
}

/// The revision that an ETag was made of. A revision that is none of ours holds for nothing.
fn revision(etag: &Revision) -> Revision {
    let Revision::Platform(text) = etag else { return Revision::Platform("no ETag".into()) };
    let hex = text.strip_prefix("W/\"").and_then(|text| text.strip_suffix('"'));
    let id = hex.and_then(|hex| u128::from_str_radix(hex, 16).ok());
    id.map_or_else(|| etag.clone(), |id| Revision::WriteId(WriteId::from_bytes(id.to_be_bytes())))
}

/// The increments, the batches of reads and those of writes are the trait's own.
#[async_trait]
impl Driver for Plain {
    fn info(&self) -> &DriverInfo {
        self.0.info()
    }

    async fn get(&self, key: &RowKey, read: Read) -> Result<Option<Record>, DriverError> {
        others_turn().await;
        let record = self.0.get(key, read).await?;
        others_turn().await;
        Ok(record.map(with_etag))
    }

    async fn write(&self, key: &RowKey, write: &Write, now: Timestamp) -> Result<WriteReply, DriverError> {
        let guard = match &write.guard {
            Guard::Live => return Ok(WriteReply::Refused(Observed::NotReturned)),
            Guard::Revision(etag) => Guard::Revision(revision(etag)),
            Guard::Always => Guard::Always,
            Guard::Absent => Guard::Absent,
        };
        others_turn().await;
        // At the beginning of time nothing has expired.
        let now = if guard == Guard::Absent { Timestamp::from_millis(0) } else { now };
        let reply = self.0.write(key, &Write { guard, ..write.clone() }, now).await?;
        others_turn().await;
        Ok(match reply {
            WriteReply::Applied(revision) => WriteReply::Applied(revision.map(etag)),
            WriteReply::Refused(_) => WriteReply::Refused(Observed::NotReturned),
        })
    }

    async fn scan(&self, request: &ScanRequest) -> Result<ScanReply, DriverError> {
        others_turn().await;
        let mut reply = self.0.scan(request).await?;
        for row in &mut reply.rows {
            if let Ok(record) = &mut row.record {
                record.revision = etag(record.revision.clone());
            }
        }
        others_turn().await;
        Ok(reply)
    }

    async fn is_empty(&self) -> Result<bool, DriverError> {
        self.0.is_empty().await
    }

    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<Swept, DriverError> {
        self.0.sweep(now, limit).await
    }

    async fn check(&self) -> Result<Health, DriverError> {
        self.0.check().await
    }
}
