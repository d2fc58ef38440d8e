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

/// How many documents one request removes.
const BATCH: usize = 500;

impl FirestoreProvisioner {
    /// Removes all records, the layout record last. What stands among them and is no record is left alone.
    pub(super) async fn remove_documents(&self) -> Result<Step> {
        let (keys, strangers) = self.remove_rows(Shard(0), String::new()).await?;
        let (records, more) = self.remove_rows(Shard::SYSTEM, SYSTEM_MARK.to_string()).await?;
        if let Some(key) = CanonicalKey::from_canonical(LAYOUT_RECORD) {
            self.remove_batch(&[RowKey { shard: Shard::SYSTEM, key }]).await?;
        }
        let strangers = strangers + more;
        let removed = keys + records + 1;
        Ok(Step::delete(
            DOCUMENTS,
            match strangers {
                0 => format!("{removed}"),
                _ => format!("{removed}; {strangers} that are none of Larder's were left"),
            },
        ))
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
                max_bytes: usize::MAX,
                read: Read { projection: Projection::Meta, consistency: Consistency::Strong },
            };
            let reply = ask(&self.patience, || self.driver.scan(&request)).await?;
            let last = reply.rows.last().map(|row| row.key.clone());
            let mut rows = Vec::new();
            for row in reply.rows {
                match CanonicalKey::from_canonical(row.key.as_str()) {
                    Some(key) if key.as_str() == LAYOUT_RECORD => {}
                    Some(key) => rows.push(RowKey { shard, key }),
                    None => strangers += 1,
                }
            }
            for batch in rows.chunks(BATCH) {
                self.remove_batch(batch).await?;
            }
            removed += rows.len();
            match last {
                Some(last) if reply.more => start = ScanStart::After(last),
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
