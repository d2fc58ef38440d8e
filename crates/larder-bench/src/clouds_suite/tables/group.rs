//! A group of writes to one shard: an entity group transaction.

use std::fmt::Write as _;

use azure_core_legacy::Etag;
use larder_tables::TablesDriver;
use larder_tables::testing::post;

use super::entity::{Entity, partition};
use crate::{Failure, Outcome};

/// Makes rows or replaces them, all of them or none; each with its place in the batch, which its ETag comes back with.
pub(super) async fn put(
    driver: &TablesDriver,
    url: &str,
    shard: u64,
    entries: Vec<(usize, String, Vec<u8>)>,
) -> Outcome<Vec<(usize, Etag)>> {
    let id: u128 = rand::random();
    let places: Vec<_> = entries.iter().map(|(at, ..)| *at).collect();
    let partition = partition(shard);
    let mut body =
        format!("--batch_{id:032x}\r\nContent-Type: multipart/mixed; boundary=changeset_{id:032x}\r\n\r\n");
    for (_, key, value) in entries {
        let row = serde_json::to_string(&Entity::put(&key, &value))?;
        write!(
            body,
            "--changeset_{id:032x}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n\
             PUT {url}(PartitionKey='{partition}',RowKey='{key}') HTTP/1.1\r\n\
             Accept: application/json;odata=minimalmetadata\r\nContent-Type: application/json\r\n\
             DataServiceVersion: 3.0;\r\nContent-Length: {}\r\n\r\n{row}\r\n",
            row.len(),
        )?;
    }
    write!(body, "--changeset_{id:032x}--\r\n--batch_{id:032x}--\r\n")?;
    let content_type = format!("multipart/mixed; boundary=batch_{id:032x}");
    let answer = post(driver, "$batch", &content_type, body).await?;
    let stored = answer.lines().filter(|line| line.starts_with("HTTP/1.1 204")).count();
    let etags = answer.lines().filter_map(|line| line.split_once(':'));
    let etags =
        etags.filter(|(name, _)| name.eq_ignore_ascii_case("etag")).map(|(_, etag)| etag.trim().into());
    let etags: Vec<_> = places.iter().copied().zip(etags).collect();
    if stored == places.len() && etags.len() == stored {
        Ok(etags)
    } else {
        Err(Failure::from("not all was written"))
    }
}
