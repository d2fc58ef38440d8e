//! Refuses answers that did not arrive whole: to the SDK an empty one is an answer without anything in it, which for a
//! read would be a miss (G3) and for a write an acknowledgement (P4).

use aws_sdk_dynamodb::error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

/// The header with the checksum of the body, which DynamoDB sends with every answer.
const CHECKSUM: &str = "x-amz-crc32";

/// Looks at an answer that the SDK has read to its end. A refusal says so by its status.
pub(crate) fn check(response: &HttpResponse) -> Result<(), BoxError> {
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
