//! Counters: one request adds, shifts the register and checks that it does so once (C1, C2).

use std::collections::HashMap;
use std::pin::pin;
use std::time::Duration;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use larder_core::driver::{DriverError, Increment, IncrementReply, RowKey};
use larder_core::record::Revision;
use larder_core::{ErrorKind, Timestamp};

use crate::client::quiet;
use crate::codec::{expiry, id, integer, millis, primary_key, reaped_at};
use crate::driver::DynamoDbDriver;
use crate::error::failed;
use crate::expressions::{COUNTS, INCREMENT, REAPED_NAME, attribute};
use crate::write::observed;

/// How long after it was sent an attempt may still count: the skew bound and the time limit of an attempt.
const LATEST: Duration = Duration::from_secs(4);

impl DynamoDbDriver {
    pub(crate) async fn count(
        &self,
        key: &RowKey,
        increment: &Increment,
        now: Timestamp,
    ) -> Result<IncrementReply, DriverError> {
        let Increment { delta, expires_at, stamp } = *increment;
        let values = HashMap::from([
            (":zero".to_owned(), AttributeValue::N("0".to_owned())),
            (":delta".to_owned(), integer(delta)),
            (":id".to_owned(), id(stamp.id)),
            (":at".to_owned(), millis(stamp.at)),
            (":exp".to_owned(), expiry(expires_at)),
            (":ttl".to_owned(), reaped_at(expires_at, stamp.at)),
            (":now".to_owned(), millis(now)),
            (":late".to_owned(), millis(stamp.at.plus(LATEST))),
            // The numbers that leave room for the sum.
            (":lo".to_owned(), integer(i64::MIN - delta.min(0))),
            (":hi".to_owned(), integer(i64::MAX - delta.max(0))),
        ]);
        let (short, name) = REAPED_NAME;
        let request = self
            .client
            .update_item()
            .table_name(self.table())
            .set_key(Some(primary_key(key)))
            .update_expression(INCREMENT)
            .condition_expression(COUNTS)
            .expression_attribute_names(short, name)
            .set_expression_attribute_values(Some(values))
            .return_values(ReturnValue::UpdatedNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match quiet(pin!(request.send())).await {
            Ok(reply) => {
                let number = reply.attributes.as_ref().and_then(|item| item.get(attribute::NUMBER));
                let result = number.and_then(|number| number.as_n().ok()?.parse().ok()).ok_or_else(|| {
                    let reason = format!("{} counted and did not say how far", self.place);
                    DriverError::unknown(ErrorKind::Internal, reason)
                })?;
                Ok(IncrementReply::Applied { result, revision: Some(Revision::WriteId(stamp.id)) })
            }
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(met)) => {
                    Ok(IncrementReply::Refused(observed(met.item.clone())))
                }
                _ => Err(failed(&error, &self.place)),
            },
        }
    }
}
