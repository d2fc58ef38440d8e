//! Ranges of one shard: one `Query`.

use std::pin::pin;

use larder_core::driver::{DriverError, Projection, ScanReply, ScanRequest, ScanRow, ScanStart};
use larder_core::{ErrorKind, MAX_PAGE_LIMIT};

use crate::client::quiet;
use crate::codec::{decode_row, partition, primary_key, text};
use crate::driver::{DynamoDbDriver, strong};
use crate::error::failed;
use crate::expressions::{META, RANGE, attribute};

impl DynamoDbDriver {
    pub(crate) async fn query(&self, request: &ScanRequest) -> Result<ScanReply, DriverError> {
        let limit = request.limit.clamp(1, MAX_PAGE_LIMIT);
        // One row more than asked for: DynamoDB says "more" also when a limit is met exactly at the end.
        let asked = i32::try_from(limit + 1).unwrap_or(i32::MAX);
        let (start, behind) = match &request.start {
            ScanStart::At(start) => (start.clone(), None),
            ScanStart::After(key) => {
                (key.as_str().to_owned(), Some(primary_key(request.shard, key.as_str())))
            }
        };
        let projection = request.read.projection;
        let query = self
            .client
            .query()
            .table_name(self.table())
            .key_condition_expression(RANGE)
            .expression_attribute_values(":pk", text(partition(request.shard)))
            .expression_attribute_values(":start", text(start))
            .expression_attribute_values(":end", text(request.end.as_str()))
            .set_exclusive_start_key(behind)
            .set_projection_expression((projection == Projection::Meta).then(|| META.to_owned()))
            .consistent_read(strong(request.read))
            .limit(asked);
        let reply = quiet(pin!(query.send())).await.map_err(|error| failed(&error, &self.place))?;
        let cut_off = reply.last_evaluated_key.is_some_and(|key| !key.is_empty());
        let mut items = reply.items.unwrap_or_default();
        // `BETWEEN` takes its end in, and a range leaves it out.
        items.pop_if(|item| {
            item.get(attribute::KEY).is_some_and(|key| key.as_s().is_ok_and(|key| *key == request.end))
        });
        let more = items.len() > limit || cut_off;
        let rows = items.into_iter().take(limit).map(|item| {
            let (key, record) = decode_row(item, projection).ok_or_else(|| {
                let reason = format!("{} answered with an item that has no key", self.place);
                DriverError::refused(ErrorKind::Internal, reason)
            })?;
            Ok(ScanRow { key: key.into(), record })
        });
        Ok(ScanReply { rows: rows.collect::<Result<_, DriverError>>()?, more })
    }

    /// The one use of `Scan`: a table may hold items in partitions that are none of Larder's.
    pub(crate) async fn has_no_items(&self) -> Result<bool, DriverError> {
        let scan = self.client.scan().table_name(self.table()).consistent_read(true).limit(1);
        let scan = scan.projection_expression(attribute::KEY);
        let reply = quiet(pin!(scan.send())).await.map_err(|error| failed(&error, &self.place))?;
        // A page that was cut off without an item has passed over something.
        let cut_off = reply.last_evaluated_key.is_some_and(|key| !key.is_empty());
        Ok(reply.items.unwrap_or_default().is_empty() && !cut_off)
    }
}
