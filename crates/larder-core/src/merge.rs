//! Merging the shards of a scan into one order.

use std::collections::VecDeque;

use crate::driver::{ScanReply, ScanRow, Shard, StoredKey};

/// The rows that were read of each shard, given out in the order of their keys.
///
/// A row is given out only when every shard that may hold a smaller one has been read that far.
#[derive(Debug)]
pub(crate) struct Merge {
    shards: Vec<ShardRows>,
    /// Which shard holds the row that `next` found.
    smallest: usize,
}

#[derive(Debug)]
struct ShardRows {
    shard: Shard,
    rows: VecDeque<ScanRow>,
    /// The last key that was read; the next request goes on behind it.
    position: Option<StoredKey>,
    at_end: bool,
}

/// What a merge has next.
pub(crate) enum Next {
    /// A row, for [`Merge::take`], with this many bytes of value.
    Row(usize),
    /// Nothing before these shards are read on.
    Fetch(Vec<Shard>),
    /// Nothing more.
    End,
}

impl Merge {
    pub(crate) fn new(shards: Vec<Shard>) -> Self {
        let shards = shards
            .into_iter()
            .map(|shard| ShardRows { shard, rows: VecDeque::new(), position: None, at_end: false })
            .collect();
        Self { shards, smallest: 0 }
    }

    pub(crate) fn next(&mut self) -> Next {
        if let [only] = &*self.shards
            && let Some(row) = only.rows.front()
        {
            return Next::Row(row.size());
        }
        let dry = |shard: &&ShardRows| shard.rows.is_empty() && !shard.at_end;
        if self.shards.iter().any(|shard| dry(&shard)) {
            return Next::Fetch(self.shards.iter().filter(dry).map(|shard| shard.shard).collect());
        }
        let fronts = self.shards.iter().enumerate().filter_map(|(at, shard)| Some((at, shard.rows.front()?)));
        let Some((smallest, row)) = fronts.min_by(|(_, a), (_, b)| a.key.cmp(&b.key)) else {
            return Next::End;
        };
        self.smallest = smallest;
        Next::Row(row.size())
    }

    /// Takes the row that `next` found, with the shard that it is in.
    pub(crate) fn take(&mut self) -> Option<(Shard, ScanRow)> {
        let smallest = self.shards.get_mut(self.smallest)?;
        Some((smallest.shard, smallest.rows.pop_front()?))
    }

    /// Behind which key to read on in a shard; `None` at the beginning.
    pub(crate) fn position(&self, shard: Shard) -> Option<StoredKey> {
        self.shards.iter().find(|rows| rows.shard == shard)?.position.clone()
    }

    pub(crate) fn shard_count(&self) -> usize {
        self.shards.len()
    }

    /// The shards that hold fewer rows and fewer bytes of values than that and may have more, so that they are read on
    /// before they run dry.
    pub(crate) fn low(&self, rows: usize, bytes: usize) -> Vec<Shard> {
        let held = |shard: &ShardRows| shard.rows.iter().map(ScanRow::size).sum::<usize>();
        let is_low = |shard: &&ShardRows| {
            !shard.at_end && (shard.rows.is_empty() || (shard.rows.len() < rows && held(shard) < bytes))
        };
        self.shards.iter().filter(is_low).map(|shard| shard.shard).collect()
    }

    pub(crate) fn feed(&mut self, shard: Shard, reply: ScanReply) {
        let Some(rows) = self.shards.iter_mut().find(|rows| rows.shard == shard) else { return };
        // A driver that says "more" and gives no row would be asked for ever.
        rows.at_end = !reply.more || reply.rows.is_empty();
        if let Some(last) = reply.rows.last() {
            rows.position = Some(last.key.clone());
        }
        if rows.rows.is_empty() {
            // The usual case, and nothing is copied.
            rows.rows = reply.rows.into();
        } else {
            rows.rows.extend(reply.rows);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(keys: &[&str], more: bool) -> ScanReply {
        let rows =
            keys.iter().map(|key| ScanRow { key: (*key).into(), record: Err(String::new()) }).collect();
        ScanReply { rows, more }
    }

    #[test]
    fn a_row_waits_for_every_shard_that_may_hold_a_smaller_one() {
        let mut merge = Merge::new(vec![Shard(0), Shard(1)]);
        assert!(matches!(merge.next(), Next::Fetch(shards) if shards.len() == 2));
        merge.feed(Shard(0), rows(&["a", "c"], true));
        merge.feed(Shard(1), rows(&["b"], true));
        let mut order = Vec::new();
        while let Next::Row(_) = merge.next() {
            order.push(merge.take().expect("a row").1.key);
        }
        assert_eq!(order.iter().map(StoredKey::as_str).collect::<Vec<_>>(), ["a", "b"]);
        assert!(matches!(merge.next(), Next::Fetch(shards) if shards == [Shard(1)]));
        merge.feed(Shard(1), rows(&[], false));
        assert!(matches!(merge.next(), Next::Row(0)));
    }

    #[test]
    fn shards_that_run_low_are_read_on_together() {
        let mut merge = Merge::new(vec![Shard(0), Shard(1), Shard(2)]);
        merge.feed(Shard(0), rows(&["a", "d", "e"], true));
        merge.feed(Shard(1), rows(&["b"], true));
        merge.feed(Shard(2), rows(&["c"], false));
        assert_eq!(merge.low(1, 1), []);
        assert_eq!(merge.low(2, 1), [Shard(1)], "the third is at its end");
        assert_eq!(merge.low(4, 1), [Shard(0), Shard(1)]);
    }

    #[test]
    fn a_shard_that_holds_many_bytes_is_not_low() {
        let mut merge = Merge::new(vec![Shard(0), Shard(1)]);
        for (shard, size) in [(Shard(0), 100), (Shard(1), 10)] {
            let mut reply = rows(&["a"], true);
            reply.rows[0].record = Ok(crate::record::Record {
                value: vec![0; size].into(),
                expires_at: crate::time::Expiry::NEVER,
                stamp: crate::record::WriteStamp::new(crate::time::Timestamp::from_millis(1)),
                revision: crate::record::Revision::Platform("1".into()),
                register: None,
            });
            merge.feed(shard, reply);
        }
        assert_eq!(merge.low(10, 50), [Shard(1)]);
    }
}
