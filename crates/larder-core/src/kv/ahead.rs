//! How much of each shard a scan asks for at once (S5).

use crate::driver::Shard;
use crate::merge::Merge;
use crate::options::MAX_PAGE_LIMIT;

/// Rows that a page may read per entry asked for before it comes back short (S2).
pub(super) const MAX_ROWS_PER_ENTRY: usize = 10;

/// How far a scan reads ahead of the page that it is asked for.
///
/// A page alone reads what it needs. A scan that goes on asks for eight times as much with every page, and asks every
/// shard that runs low as soon as one has run dry: few rounds for a long scan, little read in vain by a short one.
#[derive(Clone, Copy)]
pub(super) struct Ahead(usize);

impl Ahead {
    /// Nothing beyond the page.
    pub(super) const NOT: Self = Self(1);
    const GROWTH: usize = 8;
    /// The most bytes of values that are read of one shard at once.
    const SHARD_BYTES: usize = 1024 * 1024;

    /// For the page after this one.
    pub(super) fn grown(self) -> Self {
        Self((self.0 * Self::GROWTH).min(MAX_PAGE_LIMIT))
    }

    /// The shards to read, of which some have run dry, and the rows and bytes to ask each one for.
    ///
    /// `limit` is the size of the page, of which `missing` entries and `bytes` of values are still to come; `wanted` is the
    /// most entries that this page and those after it will be asked for.
    pub(super) fn requests(
        self,
        merge: &Merge,
        dry: Vec<Shard>,
        limit: usize,
        missing: usize,
        bytes: usize,
        wanted: usize,
    ) -> (Vec<Shard>, usize, usize) {
        if self.0 == 1 || merge.shard_count() == 1 {
            let rows = fetch_size(missing, dry.len());
            return (dry, rows, bytes);
        }
        let shards = merge.shard_count();
        let rows = (fetch_size(limit, shards) * self.0)
            .min(fetch_size(wanted, shards))
            .min((MAX_ROWS_PER_ENTRY * limit).div_ceil(shards))
            .clamp(1, MAX_PAGE_LIMIT);
        (merge.low(rows.div_ceil(2), Self::SHARD_BYTES / 2), rows, bytes.min(Self::SHARD_BYTES))
    }
}

/// How many rows to ask of each shard, so that one round fills the page in expectation (S5).
///
/// The keys of a page fall on the shards at random: the mean, and three standard deviations on top.
pub(crate) fn fetch_size(wanted: usize, shards: usize) -> usize {
    if shards <= 1 {
        return wanted;
    }
    let mean = wanted.div_ceil(shards);
    (mean + 3 * mean.isqrt() + 3).min(wanted)
}

#[cfg(test)]
mod tests {
    use super::fetch_size;

    #[test]
    fn a_round_asks_for_a_little_more_than_its_share() {
        assert_eq!(fetch_size(100, 1), 100);
        assert_eq!(fetch_size(100, 16), 16);
        assert_eq!(fetch_size(1_000, 16), 87);
        assert_eq!(fetch_size(1, 16), 1);
    }
}
