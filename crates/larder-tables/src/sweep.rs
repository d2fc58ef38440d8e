//! Removing what has expired (T3). The handle holds the lease; this is one round of the work.

use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use larder_core::driver::{DriverError, RowKey, Shard, Swept};
use larder_core::{CanonicalKey, MAX_PAGE_LIMIT, Timestamp};
use smol_str::SmolStr;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::codec::Row;
use crate::driver::{MOST_SHARDS, TablesDriver};
use crate::error::{Failure, failed};
use crate::filter::{all, expired};
use crate::queries::{Next, Page, Query};
use crate::rows::IfMatch;

/// What a search asks for. `Timestamp` stands in for an ETag that is left out.
const FOUND: &str = "PartitionKey,RowKey,Timestamp,exp";
/// How long a search may take before the shard is read page by page: the service looks for up to five seconds, which an
/// attempt does not have.
const SEARCH: Duration = Duration::from_millis(1_200);
/// No removal is begun later than this after the round began, so that the round ends, and is counted, within an attempt.
const ROUND: Duration = Duration::from_millis(1_500);
/// How many removals are under way at once; each has a connection of its own.
const CONCURRENT: usize = 32;
/// How many rounds in a row may find all that has expired changed since. That happens, but hardly so often.
const SPARING_ROUNDS: u32 = 3;

/// The shards of users' keys, and that of internal records, which may expire too.
const SHARDS: usize = MOST_SHARDS as usize + 1;

/// Where the sweep is in each shard. What is not done is gone on with: by the next round, or by the next sweep.
pub(crate) struct Walks {
    searches: Mutex<[Search; SHARDS]>,
    /// Rounds in a row that spared rows and removed none.
    sparing_rounds: AtomicU32,
    /// Once: what is warned of does not change from round to round.
    warning: Once,
}

impl Default for Walks {
    fn default() -> Self {
        Self {
            searches: Mutex::new(std::array::from_fn(|_| Search::default())),
            sparing_rounds: AtomicU32::new(0),
            warning: Once::new(),
        }
    }
}

/// Where the sweep is in one shard.
#[derive(Clone, PartialEq, Debug)]
enum Search {
    /// The service looks for what has expired, on from there.
    Filtered(Option<Next>),
    /// Every row is read, on from behind this row key: the search takes too long.
    Paged(Option<Next>),
    Done,
}

impl Default for Search {
    fn default() -> Self {
        Self::Filtered(None)
    }
}

/// What a search brought.
struct Found {
    rows: Vec<(RowKey, SmolStr)>,
    /// Where to go on once these are removed.
    then: Search,
}

/// What became of a row that had expired.
#[derive(Clone, Copy, PartialEq)]
enum Removal {
    Removed,
    /// Written since, as its ETag says.
    Spared,
    /// Somebody else removed it.
    Gone,
    /// Not begun for want of time.
    Left,
}

impl TablesDriver {
    pub(crate) async fn remove_expired(&self, now: Timestamp, limit: usize) -> Result<Swept, DriverError> {
        let round_ends = Instant::now() + ROUND;
        let limit = limit.clamp(1, MAX_PAGE_LIMIT);
        let mut searches = self.walks.searches.lock().await;
        // Each its share: what no removal is left for would be searched for again.
        let open = searches.iter().filter(|search| **search != Search::Done).count();
        let share = limit.div_ceil(open.max(1));
        let looks = (0..MOST_SHARDS)
            .map(Shard)
            .chain([Shard::SYSTEM])
            .zip(searches.iter())
            .map(|(shard, search)| self.look(shard, search.clone(), now, share));
        let found = join_all(looks).await.into_iter().collect::<Result<Vec<_>, _>>();
        let found = found.map_err(|failure| failed(failure, &self.place))?;

        let rows = found.iter().enumerate();
        let rows: Vec<_> = rows.flat_map(|(at, found)| found.rows.iter().map(move |row| (at, row))).collect();
        let (due, left) = rows.split_at(limit.min(rows.len()));
        let removals: Vec<_> = due
            .iter()
            .enumerate()
            .map(|(number, &(at, (row, etag)))| {
                // The first ones in any case: a sweep that never begins to remove never ends.
                let until = (number >= CONCURRENT).then_some(round_ends);
                async move { (at, self.remove(row, etag, until).await) }
            })
            .collect();
        let removals: Vec<_> = stream::iter(removals).buffer_unordered(CONCURRENT).collect().await;
        let (mut removed, mut spared) = (0, 0);
        let mut unfinished = [false; SHARDS];
        for (at, _) in left {
            unfinished[*at] = true;
        }
        let mut failure = None;
        for (at, removal) in removals {
            match removal {
                Ok(Removal::Removed) => removed += 1,
                Ok(Removal::Spared) => spared += 1,
                Ok(Removal::Gone) => {}
                Ok(Removal::Left) => unfinished[at] = true,
                Err(reason) => {
                    unfinished[at] = true;
                    failure = Some(reason);
                }
            }
        }
        self.note_spared(removed, spared);
        // What was removed is told of: the next round comes upon the failure again, if it lasts.
        if let Some(failure) = failure.filter(|_| removed == 0) {
            return Err(failed(failure, &self.place));
        }
        for ((search, found), unfinished) in searches.iter_mut().zip(found).zip(unfinished) {
            if !unfinished {
                *search = found.then;
            }
        }
        let more = searches.iter().any(|search| *search != Search::Done);
        if !more {
            searches.fill(Search::default());
        }
        Ok(Swept { removed, more })
    }

    /// Warns where round after round removes nothing, and finds rows changed. Now and then that is so, where they were
    /// written in that moment. Always so, it means that the account's ETags are not what is made of a row's time. A
    /// round that neither removes nor spares shows nothing of that, and is not counted.
    fn note_spared(&self, removed: usize, spared: usize) {
        if removed > 0 {
            self.walks.sparing_rounds.store(0, Ordering::Relaxed);
            return;
        }
        if spared == 0 || self.walks.sparing_rounds.fetch_add(1, Ordering::Relaxed) + 1 < SPARING_ROUNDS {
            return;
        }
        self.walks.warning.call_once(|| {
            tracing::warn!(
                target: "larder",
                store = %self.place,
                rounds = SPARING_ROUNDS,
                "round after round a sweep removed no row that had expired, since no ETag was that of the row; \
                 if the store keeps growing, its ETags are not made of the rows' times, and sweeps remove nothing"
            );
        });
    }

    /// Looks for expired rows of a shard: one request.
    async fn look(
        &self,
        shard: Shard,
        search: Search,
        now: Timestamp,
        limit: usize,
    ) -> Result<Found, Failure> {
        let (page, is_paged) = match search {
            Search::Done => return Ok(Found { rows: Vec::new(), then: Search::Done }),
            Search::Filtered(from) => {
                let filter = expired(shard, now);
                let query =
                    Query { filter: Some(&filter), select: Some(FOUND), top: limit, from: from.as_ref() };
                match timeout(SEARCH, self.client.query(query)).await {
                    Ok(page) => (page?, false),
                    // A continuation is a place among the rows of a partition, whatever the filter was.
                    Err(_) => return Ok(Found { rows: Vec::new(), then: Search::Paged(from) }),
                }
            }
            // Most of the rows may have no part in the sweep: a small page would make many requests of them.
            Search::Paged(from) => {
                let filter = all(shard);
                let query = Query {
                    filter: Some(&filter),
                    select: Some(FOUND),
                    top: MAX_PAGE_LIMIT,
                    from: from.as_ref(),
                };
                (self.client.query(query).await?, true)
            }
        };
        let Page { rows, next } = page;
        let then = match next {
            None => Search::Done,
            Some(next) if is_paged => Search::Paged(Some(next)),
            Some(next) => Search::Filtered(Some(next)),
        };
        Ok(Found { rows: rows.into_iter().filter_map(|row| expired_row(shard, row, now)).collect(), then })
    }

    /// Removes a row if it still is what was found; `until` is when that has to be begun.
    async fn remove(&self, row: &RowKey, etag: &str, until: Option<Instant>) -> Result<Removal, Failure> {
        if until.is_some_and(|until| Instant::now() >= until) {
            return Ok(Removal::Left);
        }
        match self.client.delete(row, IfMatch::Etag(etag)).await {
            Ok(()) => Ok(Removal::Removed),
            Err(failure) => match failure.refusal() {
                Some(refusal) if refusal.is_changed() => Ok(Removal::Spared),
                Some(refusal) if refusal.is_missing_row() => Ok(Removal::Gone),
                _ => Err(failure),
            },
        }
    }
}

/// A row that has expired, and the state that it was found in. What Larder did not write is left alone.
fn expired_row(shard: Shard, row: Row, now: Timestamp) -> Option<(RowKey, SmolStr)> {
    let is_expired = row.expiry().is_some_and(|expires_at| expires_at.is_past(now));
    let key = row.key(shard).filter(|_| is_expired)?;
    let key = CanonicalKey::from_canonical(key.as_str())?;
    Some((RowKey { shard, key }, row.etag()?))
}
