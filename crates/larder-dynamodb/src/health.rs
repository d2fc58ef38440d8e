//! Whether the table is there, and what time it is there (T4).

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_dynamodb::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::primitives::{DateTime, DateTimeFormat};
use larder_core::driver::{DriverError, Health, RowKey, Shard};
use larder_core::{CanonicalKey, ErrorKind, LAYOUT_RECORD, Timestamp};

use crate::client::quiet;
use crate::codec::primary_key;
use crate::driver::DynamoDbDriver;
use crate::error::failed;
use crate::expressions::META;

impl DynamoDbDriver {
    pub(crate) async fn health(&self) -> Result<Health, DriverError> {
        let key = CanonicalKey::from_canonical(LAYOUT_RECORD)
            .ok_or_else(|| DriverError::refused(ErrorKind::Internal, "the layout record has no name"))?;
        let date = ServerDate::default();
        let request = self
            .client
            .get_item()
            .table_name(self.table())
            .set_key(Some(primary_key(&RowKey { shard: Shard::SYSTEM, key })))
            .consistent_read(true)
            .projection_expression(META);
        let request = request.customize().interceptor(date.clone());
        quiet(pin!(request.send())).await.map_err(|error| failed(&error, &self.place))?;
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
