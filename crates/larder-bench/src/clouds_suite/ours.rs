//! The operations through Larder: the same calls, whatever platform is below.

use std::hint::black_box;
use std::ops::Range;

use larder_core::{Kv, PutOptions, PutOutcome, ScanOptions, TouchOptions};

use super::entries::{MANY, TTL, key, keys, prefix, value};
use super::operation::Op;
use crate::Outcome;

/// Some turns of one task.
pub(super) async fn work(kv: &Kv, op: Op, task: usize, turns: Range<usize>) -> Outcome<()> {
    let mut version = None;
    for turn in turns {
        let key_of_turn = key(task, turn);
        match op {
            Op::Get => drop(black_box(kv.get(key_of_turn).await?)),
            Op::Exists => assert!(kv.exists(key_of_turn).await?),
            Op::Put => drop(kv.put(key_of_turn, value(turn), PutOptions::new().ttl(TTL)).await?),
            Op::Create => {
                let create = PutOptions::new().ttl(TTL).if_not_exists();
                assert!(kv.put(key_of_turn, value(turn), create).await?.is_stored());
            }
            Op::CompareAndSet => {
                let options = match version.take() {
                    None => PutOptions::new().ttl(TTL),
                    Some(version) => PutOptions::new().ttl(TTL).if_version(version),
                };
                match kv.put(key(task, 0), value(turn), options).await? {
                    PutOutcome::Stored(stored) => version = Some(stored),
                    PutOutcome::ConditionFailed(_) => return Err("somebody else wrote".into()),
                }
            }
            Op::Touch => {
                assert!(kv.touch(key_of_turn, TouchOptions::expire_after(TTL)).await?.is_touched());
            }
            Op::Delete => kv.delete(key_of_turn).await?,
            Op::Increment => drop(black_box(kv.increment(key(task, 0), 1, TTL).await?)),
            Op::Page => {
                let page = kv.scan_page(prefix(task), ScanOptions::new()).await?;
                assert_eq!(page.items.len(), MANY);
            }
            Op::GetMany => {
                let found = kv.get_many(keys(task, MANY)).await?;
                assert!(found.iter().all(|entry| matches!(entry, Ok(Some(_)))));
            }
            Op::PutMany => {
                let entries = keys(task, MANY).into_iter().map(|key| (key, value(turn)));
                for stored in kv.put_many(entries, TTL).await? {
                    stored?;
                }
            }
        }
    }
    Ok(())
}
