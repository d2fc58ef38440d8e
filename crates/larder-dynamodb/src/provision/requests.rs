//! The requests behind the parts, each of which may be sent again.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::pin::pin;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, PointInTimeRecoverySpecification,
    PointInTimeRecoveryStatus, ScalarAttributeType, TableDescription, Tag, TimeToLiveSpecification,
    TimeToLiveStatus,
};
use larder_core::driver::DriverError;
use larder_core::provision::ask;
use larder_core::{Error, ErrorKind, Result};

use super::{DynamoDbProvisioner, Protection};
use crate::client::quiet;
use crate::error::failed;
use crate::expressions::attribute;

/// What a table says of its time to live.
pub(super) struct TimeToLive {
    pub(super) status: Option<TimeToLiveStatus>,
    pub(super) attribute: Option<String>,
}

/// The code of a refusal, without the name of the service before it.
fn code<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Option<&str> {
    error.as_service_error()?.code().map(|code| code.rsplit('#').next().unwrap_or(code))
}

fn unbuilt(error: impl StdError) -> Error {
    Error::new(ErrorKind::Internal, format!("the request could not be built: {error}"))
}

impl DynamoDbProvisioner {
    /// The error of a request for a table as a whole.
    fn refused<E>(&self, error: &SdkError<E, HttpResponse>) -> DriverError
    where
        E: ProvideErrorMetadata + StdError + 'static,
    {
        let place = &self.driver.place;
        match code(error) {
            Some(
                code @ ("ResourceInUseException"
                | "LimitExceededException"
                | "ContinuousBackupsUnavailableException"),
            ) => DriverError::refused(
                ErrorKind::Unavailable,
                format!("{place} is being changed already, or too many tables are ({code}); try again later"),
            ),
            Some(code @ "UnknownOperationException") => DriverError::refused(
                ErrorKind::Unsupported,
                format!("the server of {place} does not know this request ({code})"),
            ),
            _ => failed(error, place),
        }
    }

    pub(super) async fn describe(&self) -> Result<Option<TableDescription>> {
        ask(&self.patience, || async {
            let request = self.driver.client.describe_table().table_name(self.driver.table());
            match quiet(pin!(request.send())).await {
                Ok(reply) => Ok(reply.table),
                Err(error) if code(&error) == Some("ResourceNotFoundException") => Ok(None),
                Err(error) => Err(self.refused(&error)),
            }
        })
        .await
    }

    /// Asks for the table to be made. One that is there already is as good.
    pub(super) async fn create(&self) -> Result<()> {
        let keys = [(attribute::SHARD, KeyType::Hash), (attribute::KEY, KeyType::Range)];
        let (mut columns, mut schema) = (Vec::new(), Vec::new());
        for (name, kind) in keys {
            let column =
                AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S);
            columns.push(column.build().map_err(unbuilt)?);
            schema.push(
                KeySchemaElement::builder().attribute_name(name).key_type(kind).build().map_err(unbuilt)?,
            );
        }
        // With the table, so that a policy that goes by tags lets it be made.
        let tags = self.wanted_tags()?;
        ask(&self.patience, || async {
            let request = self
                .driver
                .client
                .create_table()
                .table_name(self.driver.table())
                .billing_mode(BillingMode::PayPerRequest)
                .set_attribute_definitions(Some(columns.clone()))
                .set_key_schema(Some(schema.clone()))
                .set_tags((!tags.is_empty()).then(|| tags.clone()))
                .set_deletion_protection_enabled((self.spec.protection == Protection::On).then_some(true));
            match quiet(pin!(request.send())).await {
                Ok(_) => Ok(()),
                Err(error) if code(&error) == Some("ResourceInUseException") => Ok(()),
                Err(error) => Err(self.refused(&error)),
            }
        })
        .await
    }

    /// Asks for the table to be removed. One that is gone is as good.
    pub(super) async fn delete(&self) -> Result<()> {
        ask(&self.patience, || async {
            let request = self.driver.client.delete_table().table_name(self.driver.table());
            match quiet(pin!(request.send())).await {
                Ok(_) => Ok(()),
                Err(error) if code(&error) == Some("ResourceNotFoundException") => Ok(()),
                Err(error) => Err(self.refused(&error)),
            }
        })
        .await
    }

    /// What the table says of its time to live; `None` when the server has no such thing.
    pub(super) async fn time_to_live(&self) -> Result<Option<TimeToLive>> {
        let answer = ask(&self.patience, || async {
            let request = self.driver.client.describe_time_to_live().table_name(self.driver.table());
            quiet(pin!(request.send())).await.map_err(|error| self.refused(&error))
        });
        let Some(reply) = if_known(answer.await)? else { return Ok(None) };
        let (status, attribute) = match reply.time_to_live_description {
            Some(there) => (there.time_to_live_status, there.attribute_name),
            None => (None, None),
        };
        Ok(Some(TimeToLive { status, attribute }))
    }

    pub(super) async fn switch_ttl(&self, attribute: &str, on: bool) -> Result<()> {
        let wanted = TimeToLiveSpecification::builder().enabled(on).attribute_name(attribute);
        let wanted = wanted.build().map_err(unbuilt)?;
        ask(&self.patience, || async {
            let request = self.driver.client.update_time_to_live().table_name(self.driver.table());
            let request = request.time_to_live_specification(wanted.clone());
            quiet(pin!(request.send())).await.map(drop).map_err(|error| self.refused(&error))
        })
        .await
    }

    /// Whether the table can be restored to a point in time; `None` when the server has no such thing.
    pub(super) async fn has_recovery(&self) -> Result<Option<bool>> {
        let answer = ask(&self.patience, || async {
            let request = self.driver.client.describe_continuous_backups().table_name(self.driver.table());
            quiet(pin!(request.send())).await.map_err(|error| self.refused(&error))
        });
        let Some(reply) = if_known(answer.await)? else { return Ok(None) };
        let status = reply
            .continuous_backups_description
            .and_then(|backups| backups.point_in_time_recovery_description)
            .and_then(|recovery| recovery.point_in_time_recovery_status);
        Ok(Some(status == Some(PointInTimeRecoveryStatus::Enabled)))
    }

    pub(super) async fn switch_recovery_on(&self) -> Result<()> {
        let on = PointInTimeRecoverySpecification::builder().point_in_time_recovery_enabled(true);
        let on = on.build().map_err(unbuilt)?;
        ask(&self.patience, || async {
            let request = self.driver.client.update_continuous_backups().table_name(self.driver.table());
            let request = request.point_in_time_recovery_specification(on.clone());
            quiet(pin!(request.send())).await.map(drop).map_err(|error| self.refused(&error))
        })
        .await
    }

    /// All tags of the table; `None` when the server has no such thing.
    pub(super) async fn tags_of(&self, arn: &str) -> Result<Option<BTreeMap<String, String>>> {
        let (mut tags, mut next) = (BTreeMap::new(), None);
        loop {
            let answer = ask(&self.patience, || async {
                let request = self.driver.client.list_tags_of_resource().resource_arn(arn);
                let request = request.set_next_token(next.clone());
                quiet(pin!(request.send())).await.map_err(|error| self.refused(&error))
            });
            let Some(reply) = if_known(answer.await)? else { return Ok(None) };
            tags.extend(reply.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)));
            next = reply.next_token;
            if next.is_none() {
                return Ok(Some(tags));
            }
        }
    }

    pub(super) async fn tag(&self, arn: &str) -> Result<()> {
        let tags = self.wanted_tags()?;
        ask(&self.patience, || async {
            let request = self.driver.client.tag_resource().resource_arn(arn).set_tags(Some(tags.clone()));
            quiet(pin!(request.send())).await.map_err(|error| self.refused(&error))
        })
        .await
        .map(drop)
    }

    fn wanted_tags(&self) -> Result<Vec<Tag>> {
        let tag =
            |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build().map_err(unbuilt);
        self.spec.tags.iter().map(tag).collect()
    }

    pub(super) async fn bill_on_demand(&self) -> Result<()> {
        ask(&self.patience, || async {
            let request = self.driver.client.update_table().table_name(self.driver.table());
            let request = request.billing_mode(BillingMode::PayPerRequest);
            quiet(pin!(request.send())).await.map(drop).map_err(|error| self.refused(&error))
        })
        .await
    }

    pub(super) async fn protect(&self, on: bool) -> Result<()> {
        ask(&self.patience, || async {
            let request = self.driver.client.update_table().table_name(self.driver.table());
            let request = request.deletion_protection_enabled(on);
            quiet(pin!(request.send())).await.map(drop).map_err(|error| self.refused(&error))
        })
        .await
    }
}

/// The answer of a server that knows the request.
fn if_known<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.kind() == ErrorKind::Unsupported => Ok(None),
        Err(error) => Err(error),
    }
}
