//! Whether the database is there, and what time it is there (T4).

use larder_core::LAYOUT_RECORD;
use larder_core::driver::{DriverError, Health, Projection, Shard};

use crate::driver::FirestoreDriver;

impl FirestoreDriver {
    pub(crate) async fn health(&self) -> Result<Health, DriverError> {
        let layout = self.place.bound(Shard::SYSTEM, LAYOUT_RECORD);
        let documents = self.documents(vec![layout], Projection::Meta).await?;
        Ok(Health { server_time: documents.read_at })
    }
}
