//! How the writes of a batch are divided between requests (B1).

use std::collections::HashMap;

use crate::driver::{BatchLimits, Mutation, RowKey, Shard, Write};

/// The writes of each request.
pub(super) struct Divided {
    pub(super) requests: Vec<Vec<(RowKey, Write)>>,
    /// Where each write stood, if they were put in another order.
    pub(super) places: Option<Vec<usize>>,
}

/// Divides writes between requests: as few as the limits allow, and by groups where the platform has such.
pub(super) fn divided(writes: Vec<(RowKey, Write)>, limits: &BatchLimits) -> Divided {
    let bytes: usize = writes.iter().map(size).sum();
    // Mostly: then nothing is moved.
    if (1..=limits.writes).contains(&writes.len()) && bytes <= limits.write_bytes {
        return Divided { requests: vec![writes], places: None };
    }
    let (writes, places) = ordered(writes, limits);
    let lengths = lengths(&writes, limits);
    let mut rest = writes.into_iter();
    let requests = lengths.into_iter().map(|length| rest.by_ref().take(length).collect()).collect();
    Divided { requests, places }
}

/// Puts writes in the order in which they are divided: the first group of every shard, then the second of each, so that
/// requests that are under way at once are spread over the shards.
fn ordered(writes: Vec<(RowKey, Write)>, limits: &BatchLimits) -> (Vec<(RowKey, Write)>, Option<Vec<usize>>) {
    let Some(group) = limits.group else { return (writes, None) };
    let mut rows: HashMap<Shard, usize> = HashMap::new();
    let placed = writes.into_iter().enumerate().map(|(place, write)| {
        let before = rows.entry(write.0.shard).or_default();
        *before += 1;
        ((*before - 1) / group.max(1), place, write)
    });
    let mut placed: Vec<_> = placed.collect();
    placed.sort_by_key(|(round, _, (row, _))| (*round, row.shard));
    let (places, writes) = placed.into_iter().map(|(_, place, write)| (place, write)).unzip();
    (writes, Some(places))
}

/// Puts answers where their writes stood.
pub(super) fn at_their_places<T>(answers: Vec<T>, places: Option<Vec<usize>>) -> Vec<T> {
    let Some(places) = places else { return answers };
    let mut placed: Vec<_> = places.into_iter().zip(answers).collect();
    placed.sort_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, answer)| answer).collect()
}

/// How many writes each request takes, in their order: as many as fit, and groups as a whole.
pub(crate) fn lengths(writes: &[(RowKey, Write)], limits: &BatchLimits) -> Vec<usize> {
    let group = limits.group.unwrap_or(1).max(1);
    let mut lengths: Vec<usize> = Vec::new();
    let mut bytes = 0;
    let of_a_shard = writes.chunk_by(|(one, _), (next, _)| one.shard == next.shard);
    for group in of_a_shard.flat_map(|writes| writes.chunks(group)) {
        let size: usize = group.iter().map(size).sum();
        match lengths.last_mut() {
            Some(length) if *length + group.len() <= limits.writes && bytes + size <= limits.write_bytes => {
                *length += group.len();
                bytes += size;
            }
            _ => {
                lengths.push(group.len());
                bytes = size;
            }
        }
    }
    lengths
}

fn size((row, write): &(RowKey, Write)) -> usize {
    let value = match &write.mutation {
        Mutation::Put { value, .. } => value.len(),
        Mutation::Touch { .. } | Mutation::Delete => 0,
    };
    row.key.as_bytes().len() + value
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::driver::Guard;
    use crate::key::CanonicalKey;
    use crate::record::WriteStamp;
    use crate::time::{Expiry, Timestamp};

    /// Writes with keys of one byte, which stand for their positions, and values of that many bytes.
    fn writes(shards: &[u16], size: usize) -> Vec<(RowKey, Write)> {
        let write = |(at, &shard): (usize, &u16)| {
            let letter = char::from(b'a' + u8::try_from(at).expect("a small one"));
            let key = CanonicalKey::from_canonical(letter.to_string()).expect("a key");
            let value = Bytes::from(vec![0; size]);
            let mutation = Mutation::Put { value, expires_at: Expiry::NEVER, register: None };
            let stamp = WriteStamp::new(Timestamp::from_millis(1));
            (RowKey { shard: Shard(shard), key }, Write { mutation, guard: Guard::Always, stamp })
        };
        shards.iter().enumerate().map(write).collect()
    }

    fn keys(writes: &[(RowKey, Write)]) -> String {
        writes.iter().map(|(row, _)| row.key.as_str()).collect()
    }

    fn limits(writes: usize, write_bytes: usize, group: Option<usize>) -> BatchLimits {
        BatchLimits { reads: 1, writes, write_bytes, group }
    }

    #[test]
    fn without_groups_the_order_is_the_callers_and_each_request_is_full() {
        let limits = limits(3, 1_000, None);
        let (ordered, places) = ordered(writes(&[2, 0, 1, 0, 2, 1, 0], 1), &limits);
        assert_eq!((keys(&ordered).as_str(), places), ("abcdefg", None));
        assert_eq!(lengths(&ordered, &limits), [3, 3, 1]);
    }

    #[test]
    fn bytes_divide_too_and_one_that_is_too_long_has_a_request_of_its_own() {
        let limits = limits(100, 10, None);
        assert_eq!(lengths(&writes(&[0; 5], 4), &limits), [2, 2, 1]);
        assert_eq!(lengths(&writes(&[0; 3], 50), &limits), [1, 1, 1]);
        assert_eq!(lengths(&[], &limits), [0; 0]);
    }

    #[test]
    fn groups_of_all_shards_come_before_the_second_of_any_and_answers_go_back() {
        let limits = limits(5, 1_000, Some(2));
        let Divided { requests, places } = divided(writes(&[2, 0, 0, 1, 0, 2, 0, 0], 1), &limits);
        let keys: Vec<_> = requests.iter().map(|request| keys(request)).collect();
        // Shard 0 in groups of 2, 2 and 1; 1 in one of 1; 2 in one of 2.
        assert_eq!(keys, ["bcdaf", "egh"]);
        let answers: Vec<_> = keys.concat().chars().collect();
        assert_eq!(at_their_places(answers, places), ('a'..='h').collect::<Vec<_>>());
    }

    #[test]
    fn what_fits_into_one_request_stays_as_it_is() {
        let Divided { requests, places } = divided(writes(&[2, 0, 1, 0], 1), &limits(4, 8, Some(2)));
        assert_eq!((requests.len(), places), (1, None));
        assert_eq!(keys(&requests[0]), "abcd");
        assert_eq!(divided(writes(&[2, 0, 1, 0], 1), &limits(4, 7, Some(2))).requests.len(), 2);
        assert!(divided(Vec::new(), &limits(4, 7, None)).requests.is_empty());
    }

    #[test]
    fn a_group_is_not_divided_between_requests() {
        // Groups of 2, 2, 1 and 2, 1: by count.
        let shards = [0, 0, 0, 0, 0, 1, 1, 1];
        assert_eq!(lengths(&writes(&shards, 1), &limits(3, 1_000, Some(2))), [2, 3, 3]);
        // And by bytes, of which a group of two has 10.
        assert_eq!(lengths(&writes(&shards, 4), &limits(100, 15, Some(2))), [2, 3, 3]);
    }
}
