//! Removing the documents of a collection, and no others.

use larder_core::driver::{
    BatchItem, Consistency, Driver, DriverError, Guard, Mutation, Projection, Read, RowKey, ScanRequest,
    ScanStart, Shard, Write,
};
use larder_core::provision::{Step, ask};
use larder_core::record::WriteStamp;
use larder_core::{
    AFTER_EVERY_KEY, CanonicalKey, Clock, LAYOUT_RECORD, MAX_PAGE_LIMIT, Result, SYSTEM_MARK, SystemClock,
};

use super::{DOCUMENTS, FirestoreProvisioner};
use crate::reply::Value;

/// How many documents one request removes.
const BATCH: usize = 500;
/// How many bytes of values one look brings along.
const MAX_BYTES: usize = 4 << 20;

impl FirestoreProvisioner {
    /// Removes all records but the layout record, which goes when all else is gone. What stands among them and is no record
    /// is left alone.
    pub(super) async fn remove_documents(&self) -> Result<Step> {
        let (keys, strangers) = self.remove_rows(Shard(0), String::new()).await?;
        let (records, more) = self.remove_rows(Shard::SYSTEM, SYSTEM_MARK.to_string()).await?;
        let strangers = strangers + more;
        // With the layout record.
        let removed = keys + records + 1;
        Ok(Step::delete(
            DOCUMENTS,
            match strangers {
                0 => format!("{removed}"),
                _ => format!("{removed}; {strangers} that are none of Larder's were left"),
            },
        ))
    }

    /// Removes the layout record: by it, whoever comes after a crash knows that there is something left to remove.
    pub(super) async fn remove_layout(&self) -> Result<()> {
        match CanonicalKey::from_canonical(LAYOUT_RECORD) {
            Some(key) => self.remove_batch(&[RowKey { shard: Shard::SYSTEM, key }]).await,
            None => Ok(()),
        }
    }

    async fn remove_rows(&self, shard: Shard, from: String) -> Result<(usize, usize)> {
        let end = format!("{from}{AFTER_EVERY_KEY}");
        let (mut start, mut removed, mut strangers) = (ScanStart::At(from), 0, 0);
        loop {
            let request = ScanRequest {
                shard,
                start,
                end: end.clone(),
                limit: MAX_PAGE_LIMIT,
                max_bytes: MAX_BYTES,
                // Values, too: only whole documents show that they have other fields.
                read: Read { projection: Projection::Full, consistency: Consistency::Strong },
            };
            let (found, more) = ask(&self.patience, || {
                self.driver.found(&request, |key, document| {
                    let size = match document.value {
                        Some(Value::Bytes(value)) => value.len(),
                        _ => 0,
                    };
                    ((key, document.has_others), size)
                })
            })
            .await?;
            let last = found.last().map(|(key, _)| key.clone());
            let mut rows = Vec::new();
            for (key, has_others) in found {
                match CanonicalKey::from_canonical(key.as_str()) {
                    Some(key) if key.as_str() == LAYOUT_RECORD => {}
                    Some(key) if !has_others => rows.push(RowKey { shard, key }),
                    _ => strangers += 1,
                }
            }
            for batch in rows.chunks(BATCH) {
                self.remove_batch(batch).await?;
            }
            removed += rows.len();
            match last {
                Some(last) if more => start = ScanStart::After(last),
                _ => return Ok((removed, strangers)),
            }
        }
    }

    /// A deletion may be sent again: nothing is put there meanwhile that has to stay.
    async fn remove_batch(&self, rows: &[RowKey]) -> Result<()> {
        let now = SystemClock.now();
        let delete = Write { mutation: Mutation::Delete, guard: Guard::Always, stamp: WriteStamp::new(now) };
        let writes: Vec<_> = rows.iter().map(|row| (row.clone(), delete.clone())).collect();
        ask(&self.patience, || async {
            for item in self.driver.write_batch(&writes, now).await? {
                match item {
                    BatchItem::Done(done) => drop(done?),
                    BatchItem::Unprocessed => {
                        let reason = "Firestore left some documents for later";
                        return Err(DriverError::refused(larder_core::ErrorKind::Throttled, reason));
                    }
                }
            }
            Ok(())
        })
        .await
    }
}
