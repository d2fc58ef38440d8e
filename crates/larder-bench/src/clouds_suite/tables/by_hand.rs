//! The operations with the SDK's clients and builders.

use azure_core_legacy::Etag;
use azure_data_tables::IfMatchCondition;
use azure_data_tables::clients::{EntityClient, TableClient};
use bytes::Bytes;
use futures_util::future::try_join_all;
use futures_util::{StreamExt, TryStreamExt, stream};
use larder_tables::TablesDriver;
use larder_tables::testing::table_client;

use super::entity::{Entity, Row as TableRow, SHARDS, partition, shard};
use super::group;
use crate::Outcome;
use crate::clouds_suite::by_hand::{ByHand, Row, When};
use crate::clouds_suite::entries::now;

/// What is read of a row besides its value.
const META: &str = "exp,w";
/// How many rows are read at once: there is no request for many of them.
const CONCURRENT: usize = 32;

/// A table, by the SDK alone.
pub(in crate::clouds_suite) struct Table {
    client: TableClient,
    /// For groups: the transport.
    driver: TablesDriver,
    url: String,
}

impl Table {
    pub(super) fn new(driver: TablesDriver, url: String) -> Self {
        Self { client: table_client(&driver), driver, url }
    }

    fn entity(&self, key: &str) -> EntityClient {
        self.client.partition_key_client(partition(shard(key))).entity_client(key)
    }

    async fn row(&self, key: &str) -> Outcome<Row<Etag>> {
        let reply = self.entity(key).get::<TableRow>().await?;
        let (row, version) = (reply.entity, reply.etag);
        if !row.is_live(now())? {
            return Err("no such row".into());
        }
        let (value, expires_at) = (row.value()?, row.expiry()?);
        Ok(Row { key: key.to_owned(), value, version, expires_at })
    }
}

impl ByHand for Table {
    const SHARDS: u64 = SHARDS;

    type Version = Etag;

    async fn get(&self, key: &str) -> Outcome<Bytes> {
        let row = self.entity(key).get::<TableRow>().await?.entity;
        if row.is_live(now())? { row.value() } else { Err("no such row".into()) }
    }

    async fn exists(&self, key: &str) -> Outcome<bool> {
        self.entity(key).get::<TableRow>().select(META).await?.entity.is_live(now())
    }

    async fn put(&self, key: &str, value: Vec<u8>, when: When<Etag>) -> Outcome<Etag> {
        let entity = Entity::put(key, &value);
        Ok(match when {
            When::Always => self.entity(key).insert_or_replace(&entity)?.await?.etag,
            When::Absent => self.client.insert::<_, serde_json::Value>(&entity)?.await?.etag,
            When::Version(seen) => {
                self.entity(key).update(&entity, IfMatchCondition::Etag(seen))?.await?.etag
            }
        })
    }

    /// Azure has no condition on an expiry: what is live is read first.
    async fn touch(&self, key: &str) -> Outcome<()> {
        let client = self.entity(key);
        let seen = client.get::<TableRow>().select(META).await?;
        if !seen.entity.is_live(now())? {
            return Err("no such row".into());
        }
        client.merge(Entity::touch(key), IfMatchCondition::Etag(seen.etag))?.await?;
        Ok(())
    }

    async fn delete(&self, key: &str) -> Outcome<()> {
        self.entity(key).delete().if_match(IfMatchCondition::Any).await?;
        Ok(())
    }

    async fn increment(&self, key: &str) -> Outcome<i64> {
        let client = self.entity(key);
        let seen = client.get::<TableRow>().await?;
        if !seen.entity.is_live(now())? {
            return Err("no such counter".into());
        }
        let (entity, sum) = Entity::increment(key, &seen.entity)?;
        client.update(&entity, IfMatchCondition::Etag(seen.etag))?.await?;
        Ok(sum)
    }

    async fn range(
        &self,
        shard: u64,
        prefix: &str,
        behind: Option<&str>,
        limit: usize,
    ) -> Outcome<Vec<Row<Etag>>> {
        let (operator, start) = behind.map_or(("ge", prefix), |key| ("gt", key));
        let partition = partition(shard);
        let filter = format!(
            "PartitionKey eq '{partition}' and RowKey {operator} '{start}' and RowKey lt '{prefix}~G'"
        );
        let mut pages =
            self.client.query().filter(filter).top(u32::try_from(limit)?).into_stream::<TableRow>();
        let Some(page) = pages.try_next().await? else { return Ok(Vec::new()) };
        let now = now();
        let mut rows = Vec::with_capacity(page.entities.len());
        for row in page.entities {
            if row.is_live(now)? {
                let (value, expires_at) = (row.value()?, row.expiry()?);
                let (key, etag) = (row.key.ok_or("no key")?, row.etag.ok_or("no ETag")?);
                rows.push(Row { key, value, version: etag.into(), expires_at });
            }
        }
        Ok(rows)
    }

    async fn get_many(&self, keys: &[String]) -> Outcome<Vec<Row<Etag>>> {
        let reads: Vec<_> = keys.iter().map(|key| self.row(key)).collect();
        stream::iter(reads).buffered(CONCURRENT).try_collect().await
    }

    async fn put_many(&self, entries: Vec<(String, Vec<u8>)>) -> Outcome<Vec<Etag>> {
        let mut groups: Vec<_> = (0..SHARDS).map(|shard| (shard, Vec::new())).collect();
        for (at, (key, value)) in entries.into_iter().enumerate() {
            let (_, group) = &mut groups[usize::try_from(shard(&key))?];
            group.push((at, key, value));
        }
        let groups = groups.into_iter().filter(|(_, group)| !group.is_empty());
        let groups = groups.map(|(shard, group)| group::put(&self.driver, &self.url, shard, group));
        let mut stored: Vec<_> = try_join_all(groups).await?.into_iter().flatten().collect();
        stored.sort_by_key(|(at, _)| *at);
        Ok(stored.into_iter().map(|(_, etag)| etag).collect())
    }
}
