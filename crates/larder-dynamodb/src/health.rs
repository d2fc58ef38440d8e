//! Whether the table is there, and what time it is there (T4).

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_dynamodb::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::primitives::{DateTime, DateTimeFormat};
use larder_core::driver::{DriverError, Health, Projection, Read, RowKey, Shard};
use larder_core::{CanonicalKey, Consistency, ErrorKind, LAYOUT_RECORD, Timestamp};

use crate::driver::DynamoDbDriver;
use crate::error::failed;
use crate::exchange::{Exchange, Operation};
use crate::requests;

impl DynamoDbDriver {
    pub(crate) async fn health(&self) -> Result<Health, DriverError> {
        let key = CanonicalKey::from_canonical(LAYOUT_RECORD)
            .ok_or_else(|| DriverError::refused(ErrorKind::Internal, "the layout record has no name"))?;
        let date = ServerDate::default();
        let read = Read { projection: Projection::Meta, consistency: Consistency::Strong };
        let body = requests::get(self.table(), &RowKey { shard: Shard::SYSTEM, key }, read);
        let request = self.client.get_item().table_name(self.table()).customize().interceptor(date.clone());
        Exchange::new(Operation::Get, body)
            .send(pin!(request.send()))
            .await
            .map_err(|error| failed(&error, &self.place))?;
        Ok(Health { server_time: date.read() })
    }
}

/// Keeps the date that the server says it is.
#[derive(Clone, Default, Debug)]
struct ServerDate(Arc<Mutex<Option<Timestamp>>>);

impl ServerDate {
    fn read(&self) -> Option<Timestamp> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Intercept for ServerDate {
    fn name(&self) -> &'static str {
        "ServerDate"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|date| DateTime::from_str(date, DateTimeFormat::HttpDate).ok());
        let millis = date.and_then(|date| u64::try_from(date.to_millis().ok()?).ok());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = millis.map(Timestamp::from_millis);
        Ok(())
    }
}
