//! A group of writes to one shard: an entity group transaction.

use std::fmt::Write as _;

use larder_tables::TablesDriver;
use larder_tables::testing::post;

use super::entity::{Entity, partition};
use crate::{Failure, Outcome};

/// Makes rows or replaces them, all of them or none.
pub(super) async fn put(
    driver: &TablesDriver,
    url: &str,
    shard: u64,
    entries: Vec<(String, Vec<u8>)>,
) -> Outcome<()> {
    let (id, count): (u128, usize) = (rand::random(), entries.len());
    let partition = partition(shard);
    let mut body =
        format!("--batch_{id:032x}\r\nContent-Type: multipart/mixed; boundary=changeset_{id:032x}\r\n\r\n");
    for (key, value) in entries {
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
    if stored == count { Ok(()) } else { Err(Failure::from("not all was written")) }
}
