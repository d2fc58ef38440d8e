//! Changes to one item.

use std::pin::pin;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use larder_core::Timestamp;
use larder_core::driver::{DriverError, Guard, Mutation, Observed, Projection, RowKey, Write, WriteReply};
use larder_core::record::{Revision, WriteId};

use crate::codec::{decode, encode, item_bytes, write_stamp};
use crate::driver::DynamoDbDriver;
use crate::error::failed;
use crate::exchange::{Exchange, Operation};
use crate::expressions::{ABSENT, LIVE, PRESENT, REVISION, TOUCH};
use crate::json::Json;
use crate::parts::{Item, Parts};
use crate::requests::{of_item, update};

/// About how many bytes the rest of a put takes, its condition with it.
const CONDITION_BYTES: usize = 320;

/// A condition and what it refers to.
struct Condition {
    expression: &'static str,
    value: Option<(&'static str, Operand)>,
}

/// What a condition compares with.
#[derive(Clone, Copy)]
enum Operand {
    Now(Timestamp),
    Seen(WriteId),
}

impl Operand {
    fn write(self, to: &mut Json, name: &str) {
        match self {
            Self::Now(now) => to.number(name, now.as_millis()),
            Self::Seen(seen) => to.binary(name, seen.as_bytes()),
        }
    }
}

impl Condition {
    /// The condition of a guard: `Ok(None)` for none at all, `Err` for one that cannot hold.
    fn of(guard: &Guard, now: Timestamp) -> Result<Option<Self>, Unmet> {
        let condition = match guard {
            Guard::Always => return Ok(None),
            Guard::Absent => Self { expression: ABSENT, value: Some((":now", Operand::Now(now))) },
            Guard::Live => Self { expression: LIVE, value: Some((":now", Operand::Now(now))) },
            Guard::Revision(Revision::WriteId(seen)) => {
                Self { expression: REVISION, value: Some((":seen", Operand::Seen(*seen))) }
            }
            Guard::Revision(Revision::Platform(_)) => return Err(Unmet),
        };
        Ok(Some(condition))
    }

    /// As the fields of a request that is written.
    fn write(&self, to: &mut Json) {
        to.text("ConditionExpression", self.expression);
        if self.value.is_some() {
            to.object_field("ExpressionAttributeValues", |json| self.write_value(json));
        }
        to.text("ReturnValuesOnConditionCheckFailure", "ALL_OLD");
    }

    fn write_value(&self, to: &mut Json) {
        if let Some((name, value)) = &self.value {
            value.write(to, name);
        }
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
                let mut body = Json::object(item_bytes(value) + CONDITION_BYTES);
                body.text("TableName", self.table());
                body.object_field("Item", |json| {
                    encode(json, key, value, *expires_at, write.stamp, register.as_deref());
                });
                if let Some(condition) = condition {
                    condition.write(&mut body);
                }
                self.put(body.finish(), write).await
            }
            Mutation::Touch { expires_at } => {
                // An update of an item that is not there would make one without a value.
                let condition = condition.unwrap_or(Condition { expression: PRESENT, value: None });
                let body = update(self.table(), key, (TOUCH, condition.expression), |json| {
                    write_stamp(json, *expires_at, write.stamp);
                    condition.write_value(json);
                });
                self.touch(body.finish(), write).await
            }
            Mutation::Delete => {
                let mut body = of_item(self.table(), key, 0);
                if let Some(condition) = condition {
                    condition.write(&mut body);
                }
                self.delete(body.finish()).await
            }
        }
    }

    async fn put(&self, body: String, write: &Write) -> Result<WriteReply, DriverError> {
        let request = self.client.put_item().table_name(self.table());
        match Exchange::new(Operation::Put, body).send(pin!(request.send())).await {
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

    async fn touch(&self, body: String, write: &Write) -> Result<WriteReply, DriverError> {
        let request = self.client.update_item().table_name(self.table());
        match Exchange::new(Operation::Update, body).send(pin!(request.send())).await {
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

    async fn delete(&self, body: String) -> Result<WriteReply, DriverError> {
        let request = self.client.delete_item().table_name(self.table());
        match Exchange::new(Operation::Delete, body).send(pin!(request.send())).await {
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
    match item.map(|item| decode(Parts::of(item), Projection::Full)) {
        None => Observed::Absent,
        Some(Ok(record)) => Observed::Record(Box::new(record)),
        Some(Err(reason)) => Observed::Corrupt(reason),
    }
}

fn applied(write: &Write) -> WriteReply {
    WriteReply::Applied(Some(Revision::WriteId(write.stamp.id)))
}
