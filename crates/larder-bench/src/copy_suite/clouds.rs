//! Copies to a cloud that is 20 ms away, beside one entry at a time.

use std::path::Path;
use std::time::Instant;

use larder_core::PutOptions;
use larder_tables::testing::{EMULATOR_ACCOUNT, EMULATOR_KEY};
use serde_json::json;
use tokio::runtime::Builder;

use super::local::source;
use super::program::copy;
use crate::Outcome;
use crate::clouds_suite::{Away, away};

const ENTRIES: usize = 10_000;
/// How many are written one at a time: the rest would take as long each.
const ONE_AT_A_TIME: usize = 50;
const VALUE: [u8; 100] = [b'x'; 100];

/// Entries in a second.
pub(super) fn far(cloud: &str, dir: &Path, ours: bool) -> Outcome<f64> {
    // The delay runs on a thread of its own, so that it is there when the client is busy.
    let network = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let store = runtime.block_on(away(cloud, network.handle()))?;
    if ours {
        let binding = binding(cloud, &store)?;
        let started = Instant::now();
        copy(&source(dir, ENTRIES), "far", &[("LARDER_FAR_BINDING", binding)])?;
        return Ok(ENTRIES as f64 / started.elapsed().as_secs_f64());
    }
    runtime.block_on(async {
        store.kv.exists("warm").await?;
        let started = Instant::now();
        for number in 0..ONE_AT_A_TIME {
            store.kv.put(format!("user:{number:08}"), &VALUE, PutOptions::new()).await?;
        }
        Ok(ONE_AT_A_TIME as f64 / started.elapsed().as_secs_f64())
    })
}

/// The store as a binding.
fn binding(cloud: &str, Away { name, url, .. }: &Away) -> Outcome<String> {
    let binding = match cloud {
        "dynamodb" => json!({
            "service": "dynamodb", "tableName": name, "region": "eu-central-1", "endpointUrl": url,
            "accessKeyId": "test", "secretAccessKey": "test",
        }),
        "firestore" => json!({
            "service": "firestore", "projectId": "larder-bench", "databaseId": name, "collectionName": name,
            "endpointUrl": url,
        }),
        "tables" => json!({
            "service": "tablestorage", "accountName": EMULATOR_ACCOUNT, "tableName": name,
            "endpointUrl": url, "accountKey": EMULATOR_KEY,
        }),
        _ => return Err(format!("{cloud:?} has no binding").into()),
    };
    Ok(binding.to_string())
}
