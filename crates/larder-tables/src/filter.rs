//! The filters of queries, as `docs/layouts.md` lists them.

use std::fmt;

use larder_core::driver::{ScanRequest, ScanStart, Shard};
use larder_core::{AFTER_EVERY_KEY, SYSTEM_MARK, Timestamp};

use crate::codec::Partition;

/// A range of one shard.
pub(crate) fn range(request: &ScanRequest) -> String {
    let (operator, start) = match &request.start {
        ScanStart::At(text) => ("ge", text.as_str()),
        ScanStart::After(key) => ("gt", key.as_str()),
    };
    let (partition, start) = (Partition(request.shard), Doubled(unmarked(start)));
    let (end, mark) = end(unmarked(&request.end));
    let end = Doubled(end);
    format!("PartitionKey eq '{partition}' and RowKey {operator} '{start}' and RowKey lt '{end}{mark}'")
}

/// The rows of a shard that have expired.
pub(crate) fn expired(shard: Shard, now: Timestamp) -> String {
    format!("PartitionKey eq '{}' and exp le {}L", Partition(shard), millis(now))
}

/// All rows of a shard.
pub(crate) fn all(shard: Shard) -> String {
    format!("PartitionKey eq '{}'", Partition(shard))
}

/// A time that fits the property; never is the greatest.
fn millis(moment: Timestamp) -> u64 {
    moment.as_millis().min(i64::MAX.unsigned_abs() - 1)
}

/// The names of internal records are stored without their mark.
fn unmarked(text: &str) -> &str {
    text.strip_prefix(SYSTEM_MARK).unwrap_or(text)
}

/// The end of a range without the control character that Azure would refuse: `~` is always followed by a digit or by A to
/// F, so that `~G` bounds the same keys.
fn end(end: &str) -> (&str, &'static str) {
    match end.strip_suffix(AFTER_EVERY_KEY) {
        Some(prefix) => (prefix, "~G"),
        None => (end, ""),
    }
}

/// Text between quotes of OData: its own are doubled. No canonical text holds one; the rule holds for any text.
struct Doubled<'a>(&'a str);

impl fmt::Display for Doubled<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = self.0.split('\'');
        f.write_str(parts.next().unwrap_or_default())?;
        parts.try_for_each(|part| write!(f, "''{part}"))
    }
}

#[cfg(test)]
mod tests {
    use larder_core::Consistency;
    use larder_core::driver::{Projection, Read};

    use super::*;

    fn request(start: ScanStart, end: &str) -> ScanRequest {
        let read = Read { projection: Projection::Full, consistency: Consistency::Strong };
        ScanRequest { shard: Shard(10), start, end: end.to_owned(), limit: 1, max_bytes: 1, read }
    }

    #[test]
    fn filters_are_as_the_layout_says() {
        let from_start = request(ScanStart::At("user:".into()), "user:\u{7f}");
        assert_eq!(range(&from_start), "PartitionKey eq '0A' and RowKey ge 'user:' and RowKey lt 'user:~G'");
        assert_eq!(
            range(&request(ScanStart::After("user:1".into()), "user:\u{7f}")),
            "PartitionKey eq '0A' and RowKey gt 'user:1' and RowKey lt 'user:~G'"
        );
        let internal = request(ScanStart::At("!sweep:".into()), "!sweep:\u{7f}");
        let internal = range(&ScanRequest { shard: Shard::SYSTEM, ..internal });
        assert_eq!(internal, "PartitionKey eq 'sys' and RowKey ge 'sweep:' and RowKey lt 'sweep:~G'");
        assert_eq!(
            expired(Shard(10), Timestamp::from_millis(1_767_225_600_000)),
            "PartitionKey eq '0A' and exp le 1767225600000L"
        );
    }

    #[test]
    fn no_text_gets_out_of_its_quotes() {
        let injected = request(ScanStart::At("' or '' eq '".into()), "z");
        assert_eq!(
            range(&injected),
            "PartitionKey eq '0A' and RowKey ge ''' or '''' eq ''' and RowKey lt 'z'"
        );
        for (end, bound) in [("'", "''''"), ("'a'\u{7f}", "'''a''~G'"), ("", "''"), ("a''b", "'a''''b'")] {
            let filter = range(&request(ScanStart::After("'".into()), end));
            let expected = format!("PartitionKey eq '0A' and RowKey gt '''' and RowKey lt {bound}");
            assert_eq!(filter, expected);
        }
    }

    #[test]
    fn never_is_not_past_at_any_time() {
        let filter = expired(Shard(0), Timestamp::from_millis(u64::MAX));
        assert!(filter.ends_with("exp le 9223372036854775806L"), "{filter}");
    }
}
