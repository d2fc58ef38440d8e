//! Whether the credentials allow what handles do.

use std::time::Duration;

use larder::{Kv, PutOptions, Result, ScanOptions};

use super::finding::Finding;

/// How long the record lives that the writing check leaves behind if it is killed.
const LEFT_BEHIND: Duration = Duration::from_secs(60);

/// Whether the check may write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Depth {
    /// Also writes and deletes a record of larder's own, which no user's handle sees.
    Writes,
    /// Only reads.
    Reads,
}

/// Tries to read, and to write unless told otherwise.
pub(crate) async fn look(kv: &Kv, depth: Depth) -> Vec<Finding> {
    let read = match reads(kv).await {
        Ok(()) => Finding::good("read", "a get and a scan are allowed"),
        Err(error) => Finding::failed("read", &error),
    };
    let write = match depth {
        Depth::Reads => Finding::unknown("write", "not looked at, as --read-only says"),
        Depth::Writes => match kv.system("check") {
            Ok(records) => match writes(&records).await {
                Ok(()) => Finding::good("write", "a put, a touch and a delete are allowed"),
                Err(error) => Finding::failed("write", &error),
            },
            Err(_) => Finding::unknown("write", "not looked at: every key behind a gateway is a user's"),
        },
    };
    vec![read, write]
}

async fn reads(kv: &Kv) -> Result<()> {
    kv.get("larder-check").await?;
    // One that is there and cannot be decoded is no matter of permissions.
    kv.scan_keys_page("", ScanOptions::new().limit(1)).await?;
    Ok(())
}

async fn writes(records: &Kv) -> Result<()> {
    // Of this process, so that two checks at once do not meet.
    let key = std::process::id().to_string();
    records.put(&key, "", PutOptions::new().ttl(LEFT_BEHIND)).await?;
    records.touch(&key, larder::TouchOptions::expire_after(LEFT_BEHIND)).await?;
    records.delete(&key).await
}
