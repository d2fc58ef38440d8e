//! Making an attempt on a driver.

use larder_core::driver::{Driver, Health, RowKey, Shard};
use larder_core::{CanonicalKey, OneShard, Timestamp};
use larder_remote::wire::{Call, Outcome, Reply};

/// Makes one attempt, at the gateway's time.
pub(super) async fn perform(store: &OneShard, call: Call, now: Timestamp) -> Outcome {
    Ok(match call {
        Call::Get { key, read } => Reply::Record(store.get(&row(key), read).await?),
        Call::Write { key, write } => Reply::Written(store.write(&row(key), &write, now).await?),
        Call::Increment { key, increment } => {
            Reply::Added(store.increment(&row(key), &increment, now).await?)
        }
        Call::Scan(request) => Reply::Rows(store.scan(&request).await?),
        Call::GetBatch { keys, read } => {
            let rows: Vec<_> = keys.into_iter().map(row).collect();
            Reply::Records(store.get_batch(&rows, read).await?)
        }
        Call::WriteBatch(writes) => {
            let writes: Vec<_> = writes.into_iter().map(|(key, write)| (row(key), write)).collect();
            Reply::AllWritten(store.write_batch(&writes, now).await?)
        }
        Call::Check => {
            store.check().await?;
            // Between the caller and the store there is one clock that counts.
            Reply::Health(Health { server_time: Some(store.now()) })
        }
    })
}

/// Callers see one shard.
fn row(key: CanonicalKey) -> RowKey {
    RowKey { shard: Shard(0), key }
}
