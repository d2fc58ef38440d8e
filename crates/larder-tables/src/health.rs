//! Whether the table is there, and what time it is there (T4).

use larder_core::driver::{DriverError, Health, RowKey, Shard};
use larder_core::{CanonicalKey, ErrorKind, LAYOUT_RECORD};

use crate::codec::META;
use crate::driver::TablesDriver;
use crate::error::failed;

impl TablesDriver {
    pub(crate) async fn health(&self) -> Result<Health, DriverError> {
        let key = CanonicalKey::from_canonical(LAYOUT_RECORD)
            .ok_or_else(|| DriverError::refused(ErrorKind::Internal, "the layout record has no name"))?;
        match self.client.get(&RowKey { shard: Shard::SYSTEM, key }, Some(META)).await {
            Ok(got) => Ok(Health { server_time: got.date() }),
            // A table that nobody has written to yet is there all the same.
            Err(failure) => match failure.refusal() {
                Some(refusal) if refusal.is_missing_row() => Ok(Health { server_time: refusal.date }),
                _ => Err(failed(failure, &self.place)),
            },
        }
    }
}
