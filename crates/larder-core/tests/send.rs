//! Every operation can be run in a task of its own.

use std::time::Duration;

use futures_util::StreamExt;
use larder_core::{Kv, MemoryDriver, PutOptions, ScanOptions, TouchOptions};

#[tokio::test]
async fn operations_can_be_spawned() {
    let kv = Kv::new(MemoryDriver::new().shards(4));
    let stored = kv.put("k", "v", PutOptions::new()).await.expect("a put");
    let version = stored.into_version().expect("stored");

    let spawned = kv.clone();
    let all = tokio::spawn(async move {
        let kv = spawned;
        kv.get_entry("k").await?;
        kv.touch("k", TouchOptions::expire_after(Duration::from_secs(1))).await?;
        kv.delete_if_version("k", version).await?;
        kv.increment("n", 1, None).await?;
        kv.put_many([("a", "1"), ("b", "2")], None).await?;
        kv.get_many(["a", "b"]).await?;
        kv.scan_page("", ScanOptions::new()).await?;
        kv.scan_collect("", 10).await?;
        kv.scan("").count().await;
        kv.scan_keys("").count().await;
        kv.put_json("j", &1, PutOptions::new()).await?;
        kv.get_json::<u8>("j").await?;
        kv.delete_many(["a", "b"]).await?;
        kv.delete("n").await?;
        kv.sweep().await?;
        kv.check().await?;
        Ok::<_, larder_core::Error>(())
    });
    all.await.expect("no panic").expect("no error");
}
