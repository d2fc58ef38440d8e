//! The operations through Larder.

use std::hint::black_box;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use larder_core::{PutOptions, PutOutcome, ScanOptions, TouchOptions};

use super::load::{MANY, Op, key, value};
use super::table::Table;
use crate::Outcome;

const TTL: Duration = Duration::from_secs(3_600);

pub(super) async fn work(table: Arc<Table>, op: Op, task: usize, turns: Range<usize>) -> Outcome<()> {
    let kv = &table.kv;
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
                let page = kv.scan_page(format!("user:{task:03}:"), ScanOptions::new()).await?;
                assert_eq!(page.items.len(), MANY);
            }
            Op::GetMany => {
                let found = kv.get_many((0..MANY).map(|number| key(task, number))).await?;
                assert!(found.iter().all(|entry| matches!(entry, Ok(Some(_)))));
            }
            Op::PutMany => {
                let entries = (0..MANY).map(|number| (key(task, number), value(turn)));
                for stored in kv.put_many(entries, TTL).await? {
                    stored?;
                }
            }
        }
    }
    Ok(())
}
