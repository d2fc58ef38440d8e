//! Changes to one item.

use std::collections::HashMap;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use larder_core::Timestamp;
use larder_core::driver::{DriverError, Guard, Mutation, Observed, Projection, RowKey, Write, WriteReply};
use larder_core::record::Revision;

use crate::client::quiet;
use crate::codec::{Item, decode, encode, expiry, id, millis, primary_key, reaped_at};
use crate::driver::DynamoDbDriver;
use crate::error::failed;
use crate::expressions::{ABSENT, LIVE, PRESENT, REAPED_NAME, REVISION, TOUCH};

const ALL_OLD: ReturnValuesOnConditionCheckFailure = ReturnValuesOnConditionCheckFailure::AllOld;

/// A condition and what it refers to.
struct Condition {
    expression: &'static str,
    value: Option<(&'static str, AttributeValue)>,
}

impl Condition {
    /// The condition of a guard: `Ok(None)` for none at all, `Err` for one that cannot hold.
    fn of(guard: &Guard, now: Timestamp) -> Result<Option<Self>, Unmet> {
        let condition = match guard {
            Guard::Always => return Ok(None),
            Guard::Absent => Self { expression: ABSENT, value: Some((":now", millis(now))) },
            Guard::Live => Self { expression: LIVE, value: Some((":now", millis(now))) },
            Guard::Revision(Revision::WriteId(seen)) => {
                Self { expression: REVISION, value: Some((":seen", id(*seen))) }
            }
            Guard::Revision(Revision::Platform(_)) => return Err(Unmet),
        };
        Ok(Some(condition))
    }
}

/// A version of another platform.
struct Unmet;

impl DynamoDbDriver {
    pub(crate) async fn write_one(
        &self,
        key: &RowKey,
        write: &Write,
        now: Timestamp,
    ) -> Result<WriteReply, DriverError> {
        let Ok(condition) = Condition::of(&write.guard, now) else {
            return Ok(WriteReply::Refused(Observed::NotReturned));
        };
        match &write.mutation {
            Mutation::Put { value, expires_at, register } => {
                let item = encode(key, value, *expires_at, write.stamp, register.as_deref());
                self.put(item, condition, write).await
            }
            Mutation::Touch { expires_at } => {
                // An update of an item that is not there would make one without a value.
                let condition = condition.unwrap_or(Condition { expression: PRESENT, value: None });
                let mut values = HashMap::from([
                    (":exp".to_owned(), expiry(*expires_at)),
                    (":ttl".to_owned(), reaped_at(*expires_at, write.stamp.at)),
                    (":id".to_owned(), id(write.stamp.id)),
                    (":at".to_owned(), millis(write.stamp.at)),
                ]);
                values.extend(condition.value.map(|(name, value)| (name.to_owned(), value)));
                self.touch(key, condition.expression, values, write).await
            }
            Mutation::Delete => self.delete(key, condition).await,
        }
    }

    async fn put(
        &self,
        item: Item,
        condition: Option<Condition>,
        write: &Write,
    ) -> Result<WriteReply, DriverError> {
        let mut request = self.client.put_item().table_name(self.table()).set_item(Some(item));
        if let Some(Condition { expression, value }) = condition {
            request = request
                .condition_expression(expression)
                .set_expression_attribute_values(named(value))
                .return_values_on_condition_check_failure(ALL_OLD);
        }
        match quiet(request.send()).await {
            Ok(_) => Ok(applied(write)),
            Err(error) => {
                let met = error.as_service_error().and_then(|error| match error {
                    aws_sdk_dynamodb::operation::put_item::PutItemError::ConditionalCheckFailedException(
                        met,
                    ) => Some(met.item.clone()),
                    _ => None,
                });
                self.refused(met, &error)
            }
        }
    }

    async fn touch(
        &self,
        key: &RowKey,
        condition: &str,
        values: Item,
        write: &Write,
    ) -> Result<WriteReply, DriverError> {
        let (short, name) = REAPED_NAME;
        let request = self
            .client
            .update_item()
            .table_name(self.table())
            .set_key(Some(primary_key(key)))
            .update_expression(TOUCH)
            .condition_expression(condition)
            .expression_attribute_names(short, name)
            .set_expression_attribute_values(Some(values))
            .return_values_on_condition_check_failure(ALL_OLD);
        match quiet(request.send()).await {
            Ok(_) => Ok(applied(write)),
            Err(error) => {
                let met = error.as_service_error().and_then(|error| match error {
                    aws_sdk_dynamodb::operation::update_item::UpdateItemError::ConditionalCheckFailedException(
                        met,
                    ) => Some(met.item.clone()),
                    _ => None,
                });
                self.refused(met, &error)
            }
        }
    }

    async fn delete(&self, key: &RowKey, condition: Option<Condition>) -> Result<WriteReply, DriverError> {
        let mut request = self.client.delete_item().table_name(self.table()).set_key(Some(primary_key(key)));
        if let Some(Condition { expression, value }) = condition {
            request = request
                .condition_expression(expression)
                .set_expression_attribute_values(named(value))
                .return_values_on_condition_check_failure(ALL_OLD);
        }
        match quiet(request.send()).await {
            Ok(_) => Ok(WriteReply::Applied(None)),
            Err(error) => {
                let met = error.as_service_error().and_then(|error| match error {
                    aws_sdk_dynamodb::operation::delete_item::DeleteItemError::ConditionalCheckFailedException(
                        met,
                    ) => Some(met.item.clone()),
                    _ => None,
                });
                self.refused(met, &error)
            }
        }
    }

    /// What a write met whose condition did not hold, or the error that it ended in.
    fn refused<E: ProvideErrorMetadata + std::error::Error + 'static>(
        &self,
        met: Option<Option<Item>>,
        error: &SdkError<E, HttpResponse>,
    ) -> Result<WriteReply, DriverError> {
        match met {
            Some(item) => Ok(WriteReply::Refused(observed(item))),
            None => Err(failed(error, &self.place)),
        }
    }
}

/// The record that a condition met.
pub(crate) fn observed(item: Option<Item>) -> Observed {
    match item.map(|item| decode(item, Projection::Full)) {
        None => Observed::Absent,
        Some(Ok(record)) => Observed::Record(Box::new(record)),
        Some(Err(reason)) => Observed::Corrupt(reason),
    }
}

fn applied(write: &Write) -> WriteReply {
    WriteReply::Applied(Some(Revision::WriteId(write.stamp.id)))
}

fn named(value: Option<(&'static str, AttributeValue)>) -> Option<Item> {
    value.map(|(name, value)| HashMap::from([(name.to_owned(), value)]))
}
