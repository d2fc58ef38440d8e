//! Whether the database is there, and what time it is there (T4).

use larder_core::driver::{DriverError, Health, Projection, RowKey, Shard};
use larder_core::{CanonicalKey, ErrorKind, LAYOUT_RECORD};

use crate::driver::FirestoreDriver;

impl FirestoreDriver {
    pub(crate) async fn health(&self) -> Result<Health, DriverError> {
        let key = CanonicalKey::from_canonical(LAYOUT_RECORD)
            .ok_or_else(|| DriverError::refused(ErrorKind::Internal, "the layout record has no name"))?;
        let documents = self.documents(&[RowKey { shard: Shard::SYSTEM, key }], Projection::Meta).await?;
        Ok(Health { server_time: documents.read_at })
    }
}
