//! Reading one entry.

use std::pin::pin;

use bytes::Bytes;
use tokio::time::Instant;

use super::attempts::Attempts;
use super::{Kv, Place};
use crate::driver::{Projection, RowKey};
use crate::entry::{Entry, EntryInfo};
use crate::error::Result;
use crate::operation::Operation;
use crate::record::Record;
use crate::time::{Expiry, Timestamp};
use crate::version::Version;

impl Kv {
    /// Reads a value. `None` means that the key is not there or has expired (G3, T2).
    ///
    /// Strongly consistent unless the handle says otherwise (G1); one request; no copy of the value.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> larder_core::Result<()> {
    /// # use larder_core::{Kv, MemoryDriver, PutOptions};
    /// # let kv = Kv::new(MemoryDriver::new());
    /// assert_eq!(kv.get("user:123").await?, None);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a key that is empty or longer than 512 canonical bytes; `Corrupt` for a record that cannot be
    /// decoded; otherwise what keeps the store from answering.
    pub async fn get(&self, key: impl AsRef<str>) -> Result<Option<Bytes>> {
        let key = key.as_ref();
        let work = pin!(async {
            let Place { row, deadline } = self.place(key).await?;
            Ok(self
                .live_record(&row, deadline, Operation::Get, Projection::Full)
                .await?
                .map(|record| record.value))
        });
        self.observed_on(Operation::Get, key, work).await
    }

    /// Reads an entry: the value, its version, and how long it still lives (T6).
    ///
    /// # Errors
    ///
    /// As [`Kv::get`].
    pub async fn get_entry(&self, key: impl AsRef<str>) -> Result<Option<Entry>> {
        let key = key.as_ref();
        let work = pin!(async {
            let Place { row, deadline } = self.place(key).await?;
            let found = self.live_record(&row, deadline, Operation::Get, Projection::Full).await?;
            Ok(found.map(|record| entry(key, &row, record, self.now())))
        });
        self.observed_on(Operation::Get, key, work).await
    }

    /// Whether the key is there. The value is not transferred where the platform can avoid it (G2).
    ///
    /// # Errors
    ///
    /// As [`Kv::get`].
    pub async fn exists(&self, key: impl AsRef<str>) -> Result<bool> {
        let key = key.as_ref();
        let work = pin!(async {
            let Place { row, deadline } = self.place(key).await?;
            Ok(self.live_record(&row, deadline, Operation::Exists, Projection::Meta).await?.is_some())
        });
        self.observed_on(Operation::Exists, key, work).await
    }

    async fn live_record(
        &self,
        row: &RowKey,
        deadline: Option<Instant>,
        operation: Operation,
        projection: Projection,
    ) -> Result<Option<Record>> {
        let shared = &self.shared;
        let read = self.reading(projection);
        let record = match shared.driver.get_at_hand(row, read) {
            Some(Ok(record)) => {
                shared.budget.succeeded();
                record
            }
            // Boxed, so that a read of memory carries nothing of it.
            None | Some(Err(_)) => {
                let mut attempts = Attempts::until(shared, operation, deadline);
                Box::pin(attempts.read(|| shared.driver.get(row, read))).await?
            }
        };
        // What never expires needs no look at the clock.
        Ok(record
            .filter(|record| record.expires_at == Expiry::NEVER || !record.expires_at.is_past(self.now())))
    }
}

/// The entry that a user sees of a record.
pub(super) fn entry(key: &str, row: &RowKey, record: Record, now: Timestamp) -> Entry {
    let info = EntryInfo::new(key.into(), Version::of(&row.key, &record), now);
    Entry::new(record.value, info)
}
