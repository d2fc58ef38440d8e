//! The same operations by hand: the SDK's builders, the same conditions and attributes, nothing between.

use std::collections::HashMap;
use std::hint::black_box;
use std::ops::Range;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Credentials;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{
    AttributeValue, KeysAndAttributes, PutRequest, ReturnValue, ReturnValuesOnConditionCheckFailure,
    WriteRequest,
};
use bytes::Bytes;
use futures_util::future::try_join_all;
use larder_core::hash::xxh64;
use larder_dynamodb::testing::{ABSENT, COUNTS, INCREMENT, META, RANGE, REVISION, TOUCH};

use super::load::{MANY, Op, key, value};
use super::table::{REGION, Table};
use crate::{Failure, Outcome};

type Item = HashMap<String, AttributeValue>;

const TTL_MILLIS: u64 = 3_600_000;
const SHARDS: u64 = 16;

/// A table, by the SDK alone.
pub(super) struct ByHand {
    client: Client,
    table: String,
}

impl ByHand {
    pub(super) async fn connect(table: &str, url: &str) -> Self {
        let config = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .region(Region::new(REGION))
            .retry_config(RetryConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .endpoint_url(url)
            .credentials_provider(Credentials::new("test", "test", None, None, "bench"))
            .load()
            .await;
        Self { client: Client::new(&config), table: table.to_owned() }
    }

    pub(super) async fn get(&self, key: &str) -> Outcome<Option<Bytes>> {
        let request = self.client.get_item().table_name(&self.table).set_key(Some(primary_key(key)));
        let reply = request.consistent_read(true).send().await?;
        let Some(mut item) = reply.item else { return Ok(None) };
        if number(&item, "exp")? <= now() {
            return Ok(None);
        }
        match item.remove("v") {
            Some(AttributeValue::B(value)) => Ok(Some(value.into_inner().into())),
            _ => Err("no value".into()),
        }
    }

    async fn exists(&self, key: &str) -> Outcome<bool> {
        let request = self.client.get_item().table_name(&self.table).set_key(Some(primary_key(key)));
        let reply = request.consistent_read(true).projection_expression(META).send().await?;
        Ok(reply.item.map(|item| number(&item, "exp")).transpose()?.is_some_and(|expiry| expiry > now()))
    }

    /// Puts an item; a condition names the value that it needs.
    pub(super) async fn put(
        &self,
        key: &str,
        value: Vec<u8>,
        condition: Option<(&str, &str, AttributeValue)>,
    ) -> Result<[u8; 16], Failure> {
        let id: [u8; 16] = rand::random();
        let mut request = self.client.put_item().table_name(&self.table).set_item(Some(item(key, value, id)));
        if let Some((condition, name, value)) = condition {
            request = request
                .condition_expression(condition)
                .expression_attribute_values(name, value)
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        }
        request.send().await?;
        Ok(id)
    }

    async fn touch(&self, key: &str) -> Outcome<()> {
        let (now, expiry) = (now(), now() + TTL_MILLIS);
        let request = self.client.update_item().table_name(&self.table).set_key(Some(primary_key(key)));
        request
            .update_expression(TOUCH)
            .condition_expression("exp > :now")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":exp", n(expiry))
            .expression_attribute_values(":ttl", n(expiry.div_ceil(1_000) + 300))
            .expression_attribute_values(":id", b(rand::random()))
            .expression_attribute_values(":at", n(now))
            .expression_attribute_values(":now", n(now))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await?;
        Ok(())
    }

    async fn delete(&self, key: &str) -> Outcome<()> {
        self.client.delete_item().table_name(&self.table).set_key(Some(primary_key(key))).send().await?;
        Ok(())
    }

    async fn increment(&self, key: &str) -> Outcome<i64> {
        let (now, expiry) = (now(), now() + TTL_MILLIS);
        let request = self.client.update_item().table_name(&self.table).set_key(Some(primary_key(key)));
        let reply = request
            .update_expression(INCREMENT)
            .condition_expression(COUNTS)
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":zero", n(0))
            .expression_attribute_values(":delta", n(1))
            .expression_attribute_values(":id", b(rand::random()))
            .expression_attribute_values(":at", n(now))
            .expression_attribute_values(":exp", n(expiry))
            .expression_attribute_values(":ttl", n(expiry.div_ceil(1_000) + 300))
            .expression_attribute_values(":now", n(now))
            .expression_attribute_values(":late", n(now + 4_000))
            .expression_attribute_values(":lo", AttributeValue::N(i64::MIN.to_string()))
            .expression_attribute_values(":hi", AttributeValue::N((i64::MAX - 1).to_string()))
            .return_values(ReturnValue::UpdatedNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await?;
        let number = reply.attributes.as_ref().and_then(|item| item.get("n"));
        Ok(number.and_then(|number| number.as_n().ok()).ok_or("no number")?.parse()?)
    }

    /// One range of one shard, with its keys.
    pub(super) async fn query(
        &self,
        shard: u64,
        prefix: &str,
        behind: Option<&str>,
        limit: i32,
    ) -> Outcome<Vec<(String, Bytes)>> {
        let start_key = behind.map(|key| key_in(shard, key));
        let reply = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression(RANGE)
            .expression_attribute_values(":pk", AttributeValue::S(partition(shard)))
            .expression_attribute_values(":start", AttributeValue::S(behind.unwrap_or(prefix).to_owned()))
            .expression_attribute_values(":end", AttributeValue::S(format!("{prefix}\u{7f}")))
            .set_exclusive_start_key(start_key)
            .consistent_read(true)
            .limit(limit)
            .send()
            .await?;
        let now = now();
        let mut rows = Vec::with_capacity(reply.items.as_ref().map_or(0, Vec::len));
        for mut item in reply.items.unwrap_or_default() {
            if number(&item, "exp")? <= now {
                continue;
            }
            let (Some(AttributeValue::S(key)), Some(AttributeValue::B(value))) =
                (item.remove("sk"), item.remove("v"))
            else {
                return Err("no key or no value".into());
            };
            rows.push((key, value.into_inner().into()));
        }
        Ok(rows)
    }

    /// The first page of a prefix: all shards at once, in order.
    async fn page(&self, prefix: &str) -> Outcome<Vec<(String, Bytes)>> {
        // The mean and three standard deviations on top, and one to learn whether there is more.
        let queries = (0..SHARDS).map(|shard| self.query(shard, prefix, None, 17));
        let mut rows: Vec<_> = try_join_all(queries).await?.into_iter().flatten().collect();
        rows.sort_by(|(a, _), (b, _)| a.cmp(b));
        rows.truncate(MANY);
        Ok(rows)
    }

    async fn get_many(&self, task: usize) -> Outcome<usize> {
        let keys = (0..MANY).map(|number| primary_key(&key(task, number))).collect();
        let wanted = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build()?;
        let reply = self.client.batch_get_item().request_items(&self.table, wanted).send().await?;
        // In the order asked for.
        let mut found = HashMap::new();
        for mut item in reply.responses.unwrap_or_default().into_values().flatten() {
            let (Some(AttributeValue::S(key)), Some(AttributeValue::B(value))) =
                (item.remove("sk"), item.remove("v"))
            else {
                return Err("no key or no value".into());
            };
            found.insert(key, (Bytes::from(value.into_inner()), number(&item, "exp")?));
        }
        let found: Vec<_> = (0..MANY).filter_map(|number| found.remove(&key(task, number))).collect();
        Ok(black_box(found).len())
    }

    async fn put_many(&self, task: usize, turn: usize) -> Outcome<()> {
        let numbers: Vec<usize> = (0..MANY).collect();
        let requests = numbers.chunks(25).map(|numbers| async move {
            let mut writes = Vec::with_capacity(numbers.len());
            for &number in numbers {
                let item = item(&key(task, number), value(turn), rand::random());
                let put = PutRequest::builder().set_item(Some(item)).build()?;
                writes.push(WriteRequest::builder().put_request(put).build());
            }
            let request = self.client.batch_write_item().request_items(&self.table, writes);
            let left = request.send().await?.unprocessed_items.is_some_and(|left| !left.is_empty());
            if left { Err(Failure::from("not all was written")) } else { Ok(()) }
        });
        try_join_all(requests).await?;
        Ok(())
    }
}

pub(super) async fn work(table: Arc<Table>, op: Op, task: usize, turns: Range<usize>) -> Outcome<()> {
    let by_hand = &table.by_hand;
    let mut seen = None;
    for turn in turns {
        let key_of_turn = key(task, turn);
        match op {
            Op::Get => assert!(black_box(by_hand.get(&key_of_turn).await?).is_some()),
            Op::Exists => assert!(by_hand.exists(&key_of_turn).await?),
            Op::Put => drop(by_hand.put(&key_of_turn, value(turn), None).await?),
            Op::Create => {
                let condition = (ABSENT, ":now", n(now()));
                by_hand.put(&key_of_turn, value(turn), Some(condition)).await?;
            }
            Op::CompareAndSet => {
                let condition = seen.map(|seen| (REVISION, ":seen", b(seen)));
                seen = Some(by_hand.put(&key(task, 0), value(turn), condition).await?);
            }
            Op::Touch => by_hand.touch(&key_of_turn).await?,
            Op::Delete => by_hand.delete(&key_of_turn).await?,
            Op::Increment => drop(black_box(by_hand.increment(&key(task, 0)).await?)),
            Op::Page => assert_eq!(by_hand.page(&format!("user:{task:03}:")).await?.len(), MANY),
            Op::GetMany => assert_eq!(by_hand.get_many(task).await?, MANY),
            Op::PutMany => by_hand.put_many(task, turn).await?,
        }
    }
    Ok(())
}

fn partition(shard: u64) -> String {
    format!("{shard:02X}")
}

fn key_in(shard: u64, key: &str) -> Item {
    HashMap::from([
        ("pk".to_owned(), AttributeValue::S(partition(shard))),
        ("sk".to_owned(), AttributeValue::S(key.to_owned())),
    ])
}

fn primary_key(key: &str) -> Item {
    key_in(xxh64(key.as_bytes()) % SHARDS, key)
}

fn item(key: &str, value: Vec<u8>, id: [u8; 16]) -> Item {
    let (now, expiry) = (now(), now() + TTL_MILLIS);
    let mut item = primary_key(key);
    item.insert("v".to_owned(), AttributeValue::B(Blob::new(value)));
    item.insert("exp".to_owned(), n(expiry));
    item.insert("ttl".to_owned(), n(expiry.div_ceil(1_000) + 300));
    item.insert("w".to_owned(), b(id));
    item.insert("wt".to_owned(), n(now));
    item
}

fn number(item: &Item, name: &str) -> Outcome<u64> {
    let number = item.get(name).and_then(|value| value.as_n().ok()).ok_or("no number")?;
    Ok(number.parse()?)
}

fn n(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn b(bytes: [u8; 16]) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}
