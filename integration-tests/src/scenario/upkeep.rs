//! What happens to the rows of the script beside its reads and writes.

use futures_util::future::join_all;
use larder_core::driver::{Consistency, Driver, Guard, Mutation, Projection, Read, RowKey, Write};
use larder_core::record::WriteStamp;
use larder_core::{ErrorKind, SweepOutcome, Timestamp};

use super::told::told;
use super::{KEYS, Player, Space};

impl Player {
    /// Who removes the rows of expired entries is the platform's affair (T3): afterwards they are gone everywhere, since
    /// a page that ends before such a row has a cursor.
    pub(super) async fn sweep(&mut self, space: &Space) -> String {
        let swept = space.kv.sweep().await;
        if matches!(swept, Ok(SweepOutcome::DoneByPlatform)) {
            self.reap().await;
        }
        let swept = swept.map(|outcome| match outcome {
            SweepOutcome::Swept { .. } | SweepOutcome::DoneByPlatform => "done",
            SweepOutcome::InProgressElsewhere => "elsewhere",
        });
        format!("sweep: {}", told(swept))
    }

    /// The part of the platform's reaper, which no emulator plays by the clock of the script.
    async fn reap(&self) {
        let driver = &*self.driver;
        for space in &self.spaces {
            join_all(KEYS.map(|key| async move {
                reap(driver, &self.context.row(&space.whole(key)).await, self.context.now()).await;
            }))
            .await;
        }
    }

    /// Something else writes where a record would be, by the platform's own interface.
    pub(super) async fn spoil(&mut self, space: &Space, key: &str) -> String {
        let row = self.context.row(&space.whole(key)).await;
        self.context.store().corrupt(&row).await;
        format!("{key:?} is spoilt")
    }
}

async fn reap(driver: &dyn Driver, row: &RowKey, now: Timestamp) {
    let read = Read { projection: Projection::Meta, consistency: Consistency::Strong };
    let record = match driver.get(row, read).await {
        Ok(Some(record)) if record.expires_at.is_past(now) => record,
        Ok(_) => return,
        Err(error) if error.kind == ErrorKind::Corrupt => return,
        Err(error) => panic!("{error:?}"),
    };
    let guard = Guard::Revision(record.revision);
    let delete = Write { mutation: Mutation::Delete, guard, stamp: WriteStamp::new(now) };
    driver.write(row, &delete, now).await.expect("a delete");
}
