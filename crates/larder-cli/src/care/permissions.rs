//! Whether the credentials allow what handles do.

use std::time::Duration;

use larder::{Error, Kv, PutOptions, Result, ScanOptions, TouchOptions};

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

/// What is asked of the store, and its answer when that was an error.
type Tried = std::result::Result<(), (&'static str, Error)>;

/// Tries to read, and to write unless told otherwise.
pub(crate) async fn look(kv: &Kv, depth: Depth) -> Vec<Finding> {
    let read = found("read", "a get, a batch of gets and a scan are allowed", reads(kv).await);
    let write = match depth {
        Depth::Reads => Finding::unknown("write", "not looked at, as --read-only says"),
        Depth::Writes => match kv.system("check") {
            Ok(records) => {
                let good = "a put, a touch, a delete and batches of them are allowed";
                found("write", good, writes(&records).await)
            }
            Err(_) => Finding::unknown("write", "not looked at: every key behind a gateway is a user's"),
        },
    };
    vec![read, write]
}

/// What there is to say of a store that a look would change.
pub(crate) fn unseen() -> Vec<Finding> {
    ["read", "write"].map(|check| Finding::unknown(check, "not looked at: that would make a layout")).into()
}

fn found(check: &'static str, good: &str, tried: Tried) -> Finding {
    match tried {
        Ok(()) => Finding::good(check, good),
        Err((what, error)) => {
            let finding = Finding::failed(check, &error);
            Finding { detail: format!("{what}: {}", finding.detail), ..finding }
        }
    }
}

async fn reads(kv: &Kv) -> Tried {
    // One that is there and cannot be decoded is no matter of permissions.
    kv.get("larder-check").await.map_err(|error| ("a get", error))?;
    let many = kv.get_many(["larder-check", "larder-check-2"]).await;
    all(many).map_err(|error| ("a batch of gets", error))?;
    let page = kv.scan_keys_page("", ScanOptions::new().limit(1)).await;
    page.map(|_| ()).map_err(|error| ("a scan", error))
}

async fn writes(records: &Kv) -> Tried {
    // Of this process, so that two checks at once do not meet.
    let key = std::process::id().to_string();
    let other = format!("{key}-2");
    let put = records.put(&key, "", PutOptions::new().ttl(LEFT_BEHIND)).await;
    put.map_err(|error| ("a put", error))?;
    let touch = records.touch(&key, TouchOptions::expire_after(LEFT_BEHIND)).await;
    touch.map_err(|error| ("a touch", error))?;
    records.delete(&key).await.map_err(|error| ("a delete", error))?;
    let both = [key, other];
    let puts = records.put_many(both.iter().map(|key| (key, "")), LEFT_BEHIND).await;
    all(puts).map_err(|error| ("a batch of puts", error))?;
    all(records.delete_many(&both).await).map_err(|error| ("a batch of deletes", error))
}

/// The first error of a batch.
fn all<T>(results: Result<Vec<Result<T>>>) -> Result<()> {
    results?.into_iter().try_for_each(|result| result.map(|_| ()))
}
