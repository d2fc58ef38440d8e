//! Ranges of one shard: one `Query`.

use std::pin::pin;

use larder_core::driver::{DriverError, ScanReply, ScanRequest, ScanRow};
use larder_core::{ErrorKind, MAX_PAGE_LIMIT};

use crate::answer::Answer;
use crate::client::quiet;
use crate::codec::decode_row;
use crate::driver::DynamoDbDriver;
use crate::error::failed;
use crate::exchange::{Exchange, Operation};
use crate::expressions::attribute;
use crate::requests::query;

impl DynamoDbDriver {
    pub(crate) async fn query(&self, request: &ScanRequest) -> Result<ScanReply, DriverError> {
        let limit = request.limit.clamp(1, MAX_PAGE_LIMIT);
        let projection = request.read.projection;
        // One row more than asked for: DynamoDB says "more" also when a limit is met exactly at the end.
        let mut exchange = Exchange::new(Operation::Query, query(self.table(), request, limit + 1));
        let query = self.client.query().table_name(self.table());
        exchange.send(pin!(query.send())).await.map_err(|error| failed(&error, &self.place))?;
        let Answer { mut items, is_cut_off, .. } = exchange.answer()?;
        // `BETWEEN` takes its end in, and a range leaves it out.
        items.pop_if(|item| item.key.as_deref() == Some(&*request.end));
        let more = items.len() > limit || is_cut_off;
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
