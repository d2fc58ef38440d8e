//! What a target holds where a copy goes on.

use larder::{Cursor, Entry, ErrorKind, Kv, MAX_PAGE_LIMIT, ScanOptions};

use super::entry::Carried;
use crate::clock;
use crate::failure::Outcome;

/// Whether a target holds live entries behind a position that are not the source's in value and expiry.
///
/// A copy that died has written a few batches that it had no time to note. They are the source's; anything else there
/// belongs to somebody whose entries would be overwritten.
pub(crate) async fn holds_others(
    source: &Kv,
    target: &Kv,
    prefix: &str,
    mut cursor: Option<Cursor>,
) -> Outcome<bool> {
    loop {
        let options = ScanOptions::new().limit(MAX_PAGE_LIMIT).cursor(cursor.take());
        let page = target.scan_page(prefix, options).await?;
        let mut there = Vec::with_capacity(page.items.len());
        for item in page.items {
            match item {
                // A key that the source does not take is none of its own.
                Ok(entry) if source.check_key(entry.key()).is_ok() => there.push(entry),
                Ok(_) => return Ok(true),
                Err(error) if error.kind() == ErrorKind::Corrupt => return Ok(true),
                Err(error) => return Err(error.into()),
            }
        }
        let ours = source.get_many(there.iter().map(Entry::key)).await?;
        for (entry, ours) in there.into_iter().map(Carried::from).zip(ours) {
            let ours = match ours {
                Ok(found) => found.map(Carried::from),
                Err(error) if error.kind() == ErrorKind::Corrupt => None,
                Err(error) => return Err(error.into()),
            };
            // One that has expired since it was read is gone from the source too.
            if ours.as_ref() != Some(&entry) && !entry.has_expired(clock::now()) {
                return Ok(true);
            }
        }
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok(false);
        }
    }
}
