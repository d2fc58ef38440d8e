//! Refuses answers that did not arrive whole: to the SDK an empty one is an answer without anything in it, which for a
//! read would be a miss (G3) and for a write an acknowledgement (P4).

use aws_sdk_dynamodb::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;

/// The header with the checksum of the body, which DynamoDB sends with every answer.
const CHECKSUM: &str = "x-amz-crc32";

/// Looks at every answer of success; a refusal says so by its status.
#[derive(Debug)]
pub(crate) struct WholeAnswers;

impl Intercept for WholeAnswers {
    fn name(&self) -> &'static str {
        "WholeAnswers"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        // The SDK has read it whole by now.
        let Some(body) = response.body().bytes().filter(|_| response.status().is_success()) else {
            return Ok(());
        };
        if body.is_empty() {
            return Err("the answer is empty".into());
        }
        match response.headers().get(CHECKSUM).map(str::parse::<u32>) {
            Some(Ok(checksum)) if checksum != crc32fast::hash(body) => {
                Err("the answer has another checksum".into())
            }
            _ => Ok(()),
        }
    }
}
