//! Counters: one request adds, shifts the register and checks that it does so once (C1, C2).

use std::pin::pin;
use std::time::Duration;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use larder_core::driver::{DriverError, Increment, IncrementReply, RowKey};
use larder_core::record::Revision;
use larder_core::{ErrorKind, Timestamp};

use crate::codec::write_stamp;
use crate::driver::DynamoDbDriver;
use crate::error::failed;
use crate::exchange::{Exchange, Operation};
use crate::expressions::{COUNTS, INCREMENT, attribute};
use crate::requests::update;
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
        let mut body = update(self.table(), key, (INCREMENT, COUNTS), |json| {
            write_stamp(json, expires_at, stamp);
            json.number(":zero", 0);
            json.number(":delta", delta);
            json.number(":now", now.as_millis());
            json.number(":late", stamp.at.plus(LATEST).as_millis());
            // The numbers that leave room for the sum.
            json.number(":lo", i64::MIN - delta.min(0));
            json.number(":hi", i64::MAX - delta.max(0));
        });
        body.text("ReturnValues", "UPDATED_NEW");
        let request = self.client.update_item().table_name(self.table());
        match Exchange::new(Operation::Update, body.finish()).send(pin!(request.send())).await {
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
