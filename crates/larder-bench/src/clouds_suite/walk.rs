//! Full scans, in order.

use std::hint::black_box;

use futures_util::TryStreamExt;
use larder_core::{Kv, ScanOptions};

use super::by_hand::{ByHand, rows_of_a_page};
use super::entries::MANY;
use crate::Outcome;

/// Page by page.
pub(super) async fn pages(kv: &Kv, keys: usize) -> Outcome<()> {
    let (mut cursor, mut found) = (None, 0);
    loop {
        let page = kv.scan_page("user:", ScanOptions::new().cursor(cursor)).await?;
        found += page.items.len();
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(found, keys);
    Ok(())
}

/// The same order by hand: for every page one shard after the other.
pub(super) async fn shards_in_turn<H: ByHand>(by_hand: &H, keys: usize) -> Outcome<()> {
    let (mut last, mut found): (Option<String>, usize) = (None, 0);
    loop {
        let mut rows = Vec::new();
        for shard in 0..H::SHARDS {
            rows.extend(by_hand.range(shard, "user:", last.as_deref(), rows_of_a_page(H::SHARDS)).await?);
        }
        rows.sort_by(|a, b| a.key.cmp(&b.key));
        rows.truncate(MANY);
        found += rows.len();
        let full = rows.len() == MANY;
        let Some(row) = rows.pop() else { break };
        last = Some(row.key);
        if !full {
            break;
        }
    }
    assert_eq!(found, keys);
    Ok(())
}

/// As a stream.
pub(super) async fn stream(kv: &Kv, keys: usize) -> Outcome<()> {
    let mut entries = kv.scan("user:");
    let mut found = 0;
    while let Some(entry) = entries.try_next().await? {
        black_box(entry);
        found += 1;
    }
    assert_eq!(found, keys);
    Ok(())
}
