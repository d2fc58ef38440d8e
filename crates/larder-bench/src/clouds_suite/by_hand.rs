//! The operations by hand: what somebody would write on a platform's SDK who needs just this, and no more.
//!
//! The requests are Larder's own, one for one: the same conditions and fields, as many at once, under the same names. What
//! is missing is all that Larder does around them: checks of keys and values, retries and deadlines, what became of a lost
//! reply, spans and metrics.

use std::hint::black_box;
use std::ops::Range;

use bytes::Bytes;
use futures_util::future::try_join_all;

use super::entries::{MANY, key, keys, prefix, value};
use super::operation::Op;
use crate::Outcome;

/// What is to hold for a put.
pub(super) enum When<V> {
    Always,
    /// The key must not be there.
    Absent,
    /// The entry must be the one that this put made.
    Version(V),
}

/// An entry, as whoever asked for it gets it: with what Larder hands on, too.
#[expect(dead_code, reason = "nobody here looks at all of it")]
pub(super) struct Row<V> {
    pub(super) key: String,
    pub(super) value: Bytes,
    pub(super) version: V,
    /// In milliseconds since 1970.
    pub(super) expires_at: u64,
}

/// A store, by a platform's SDK alone. What is asked for is there, and has not expired.
pub(super) trait ByHand: Send + Sync + 'static {
    /// How many shards a table has.
    const SHARDS: u64;

    /// What names the entry that a put made.
    type Version: Send;

    fn get(&self, key: &str) -> impl Future<Output = Outcome<Bytes>> + Send;

    fn exists(&self, key: &str) -> impl Future<Output = Outcome<bool>> + Send;

    fn put(
        &self,
        key: &str,
        value: Vec<u8>,
        when: When<Self::Version>,
    ) -> impl Future<Output = Outcome<Self::Version>> + Send;

    fn touch(&self, key: &str) -> impl Future<Output = Outcome<()>> + Send;

    fn delete(&self, key: &str) -> impl Future<Output = Outcome<()>> + Send;

    /// Adds one to a counter that is there.
    fn increment(&self, key: &str) -> impl Future<Output = Outcome<i64>> + Send;

    /// Some rows of one shard, in order.
    fn range(
        &self,
        shard: u64,
        prefix: &str,
        behind: Option<&str>,
        limit: usize,
    ) -> impl Future<Output = Outcome<Vec<Row<Self::Version>>>> + Send;

    /// In the order asked for.
    fn get_many(&self, keys: &[String]) -> impl Future<Output = Outcome<Vec<Row<Self::Version>>>> + Send;

    /// In the order given.
    fn put_many(
        &self,
        entries: Vec<(String, Vec<u8>)>,
    ) -> impl Future<Output = Outcome<Vec<Self::Version>>> + Send;
}

/// How many rows a page of 100 reads of each shard.
pub(super) const fn rows_of_a_page(shards: u64) -> usize {
    // Of 16 shards the mean, and three standard deviations on top.
    if shards == 1 { MANY } else { 16 }
}

/// The first page of a prefix: all shards at once, in order.
async fn page<H: ByHand>(by_hand: &H, prefix: &str) -> Outcome<Vec<Row<H::Version>>> {
    let rows = rows_of_a_page(H::SHARDS);
    let mut shards =
        try_join_all((0..H::SHARDS).map(|shard| by_hand.range(shard, prefix, None, rows))).await?;
    if shards.len() == 1 {
        return Ok(shards.remove(0));
    }
    let mut rows: Vec<_> = shards.into_iter().flatten().collect();
    rows.sort_by(|a, b| a.key.cmp(&b.key));
    rows.truncate(MANY);
    Ok(rows)
}

/// Some turns of one task.
pub(super) async fn work<H: ByHand>(by_hand: &H, op: Op, task: usize, turns: Range<usize>) -> Outcome<()> {
    let mut seen = None;
    for turn in turns {
        let key_of_turn = key(task, turn);
        match op {
            Op::Get => drop(black_box(by_hand.get(&key_of_turn).await?)),
            Op::Exists => assert!(by_hand.exists(&key_of_turn).await?),
            Op::Put => drop(by_hand.put(&key_of_turn, value(turn), When::Always).await?),
            Op::Create => drop(by_hand.put(&key_of_turn, value(turn), When::Absent).await?),
            Op::CompareAndSet => {
                let when = seen.take().map_or(When::Always, When::Version);
                seen = Some(by_hand.put(&key(task, 0), value(turn), when).await?);
            }
            Op::Touch => by_hand.touch(&key_of_turn).await?,
            Op::Delete => by_hand.delete(&key_of_turn).await?,
            Op::Increment => drop(black_box(by_hand.increment(&key(task, 0)).await?)),
            Op::Page => assert_eq!(black_box(page(by_hand, &prefix(task)).await?).len(), MANY),
            Op::GetMany => assert_eq!(black_box(by_hand.get_many(&keys(task, MANY)).await?).len(), MANY),
            Op::PutMany => {
                let entries = keys(task, MANY).into_iter().map(|key| (key, value(turn))).collect();
                assert_eq!(black_box(by_hand.put_many(entries).await?).len(), MANY);
            }
        }
    }
    Ok(())
}
