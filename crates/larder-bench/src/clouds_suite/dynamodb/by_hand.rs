//! The operations with the SDK's builders.

use std::collections::HashMap;

use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Credentials;
use aws_sdk_dynamodb::types::{
    AttributeValue, KeysAndAttributes, PutRequest, ReturnValue, ReturnValuesOnConditionCheckFailure,
    WriteRequest,
};
use bytes::Bytes;
use futures_util::future::try_join_all;
use larder_dynamodb::testing::{ABSENT, COUNTS, INCREMENT, META, RANGE, REVISION, TOUCH};

use super::REGION;
use super::item::{Id, SHARDS, b, item, key_in, n, number, partition, primary_key, row, ttl};
use crate::clouds_suite::by_hand::{ByHand, Row, When};
use crate::clouds_suite::entries::{expiry, now};
use crate::{Failure, Outcome};

/// The most items of one write.
const WRITES: usize = 25;

/// A table, by the SDK alone.
pub(in crate::clouds_suite) struct Table {
    client: Client,
    name: String,
}

impl Table {
    pub(super) async fn connect(name: &str, url: &str) -> Self {
        let config = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .region(Region::new(REGION))
            .retry_config(RetryConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .endpoint_url(url)
            .credentials_provider(Credentials::new("test", "test", None, None, "bench"))
            .load()
            .await;
        Self { client: Client::new(&config), name: name.to_owned() }
    }
}

impl ByHand for Table {
    const SHARDS: u64 = SHARDS;

    type Version = Id;

    async fn get(&self, key: &str) -> Outcome<Bytes> {
        let request = self.client.get_item().table_name(&self.name).set_key(Some(primary_key(key)));
        let reply = request.consistent_read(true).send().await?;
        let row = reply.item.map(|item| row(item, now())).transpose()?.flatten();
        Ok(row.ok_or("no such item")?.value)
    }

    async fn exists(&self, key: &str) -> Outcome<bool> {
        let request = self.client.get_item().table_name(&self.name).set_key(Some(primary_key(key)));
        let reply = request.consistent_read(true).projection_expression(META).send().await?;
        Ok(reply.item.map(|item| number(&item, "exp")).transpose()?.is_some_and(|expiry| expiry > now()))
    }

    async fn put(&self, key: &str, value: Vec<u8>, when: When<Id>) -> Outcome<Id> {
        let id: Id = rand::random();
        let mut request = self.client.put_item().table_name(&self.name).set_item(Some(item(key, value, id)));
        let condition = match when {
            When::Always => None,
            When::Absent => Some((ABSENT, ":now", n(now()))),
            When::Version(seen) => Some((REVISION, ":seen", b(seen))),
        };
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
        let now = now();
        let expiry = expiry(now);
        let request = self.client.update_item().table_name(&self.name).set_key(Some(primary_key(key)));
        request
            .update_expression(TOUCH)
            .condition_expression("exp > :now")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":exp", n(expiry))
            .expression_attribute_values(":ttl", n(ttl(expiry)))
            .expression_attribute_values(":id", b(rand::random()))
            .expression_attribute_values(":at", n(now))
            .expression_attribute_values(":now", n(now))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await?;
        Ok(())
    }

    async fn delete(&self, key: &str) -> Outcome<()> {
        self.client.delete_item().table_name(&self.name).set_key(Some(primary_key(key))).send().await?;
        Ok(())
    }

    async fn increment(&self, key: &str) -> Outcome<i64> {
        let now = now();
        let expiry = expiry(now);
        let request = self.client.update_item().table_name(&self.name).set_key(Some(primary_key(key)));
        let reply = request
            .update_expression(INCREMENT)
            .condition_expression(COUNTS)
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":zero", n(0))
            .expression_attribute_values(":delta", n(1))
            .expression_attribute_values(":id", b(rand::random()))
            .expression_attribute_values(":at", n(now))
            .expression_attribute_values(":exp", n(expiry))
            .expression_attribute_values(":ttl", n(ttl(expiry)))
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

    async fn range(
        &self,
        shard: u64,
        prefix: &str,
        behind: Option<&str>,
        limit: usize,
    ) -> Outcome<Vec<Row<Id>>> {
        let reply = self
            .client
            .query()
            .table_name(&self.name)
            .key_condition_expression(RANGE)
            .expression_attribute_values(":pk", AttributeValue::S(partition(shard)))
            .expression_attribute_values(":start", AttributeValue::S(behind.unwrap_or(prefix).to_owned()))
            .expression_attribute_values(":end", AttributeValue::S(format!("{prefix}\u{7f}")))
            .set_exclusive_start_key(behind.map(|key| key_in(shard, key)))
            .consistent_read(true)
            // One more, to learn whether there is more.
            .limit(i32::try_from(limit + 1)?)
            .send()
            .await?;
        let now = now();
        let items = reply.items.unwrap_or_default().into_iter().take(limit);
        items.filter_map(|item| row(item, now).transpose()).collect()
    }

    async fn get_many(&self, keys: &[String]) -> Outcome<Vec<Row<Id>>> {
        let wanted = keys.iter().map(|key| primary_key(key)).collect();
        let wanted = KeysAndAttributes::builder().set_keys(Some(wanted)).consistent_read(true).build()?;
        let reply = self.client.batch_get_item().request_items(&self.name, wanted).send().await?;
        let now = now();
        let mut found = HashMap::new();
        for item in reply.responses.unwrap_or_default().into_values().flatten() {
            found.extend(row(item, now)?.map(|row| (row.key.clone(), row)));
        }
        Ok(keys.iter().filter_map(|key| found.remove(key)).collect())
    }

    async fn put_many(&self, entries: Vec<(String, Vec<u8>)>) -> Outcome<Vec<Id>> {
        let ids: Vec<Id> = entries.iter().map(|_| rand::random()).collect();
        let (mut entries, mut requests) = (entries.into_iter().zip(ids.clone()), Vec::new());
        while entries.len() > 0 {
            let writes: Outcome<Vec<_>> = entries.by_ref().take(WRITES).map(write).collect();
            let request = self.client.batch_write_item().request_items(&self.name, writes?);
            requests.push(async move {
                let left = request.send().await?.unprocessed_items.is_some_and(|left| !left.is_empty());
                if left { Err(Failure::from("not all was written")) } else { Ok(()) }
            });
        }
        try_join_all(requests).await?;
        Ok(ids)
    }
}

fn write(((key, value), id): ((String, Vec<u8>), Id)) -> Outcome<WriteRequest> {
    let put = PutRequest::builder().set_item(Some(item(&key, value, id))).build()?;
    Ok(WriteRequest::builder().put_request(put).build())
}
