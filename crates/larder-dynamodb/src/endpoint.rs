//! Which server is asked.

use aws_config::SdkConfig;
use aws_types::service_config::ServiceConfigKey;
use larder_core::{Error, ErrorKind, Result, check_server_url};

use crate::options::DynamoDbOptions;

/// The server that the SDK will ask: the binding's, else the one that the AWS environment names, by the SDK's own rules.
pub(crate) fn endpoint_url(config: &SdkConfig, options: &DynamoDbOptions) -> Result<Option<String>> {
    if options.endpoint_url.is_some() {
        return Ok(options.endpoint_url.clone());
    }
    let of_service = || {
        let key = ServiceConfigKey::builder()
            .service_id("DynamoDB")
            .env("AWS_ENDPOINT_URL")
            .profile("endpoint_url")
            .build()
            .ok()?;
        config.service_config()?.load_config(key)
    };
    let url = of_service().or_else(|| config.endpoint_url().map(str::to_owned));
    // The SDK passes over one that it cannot read, and would go to the region's server.
    let unread = || {
        let ignored = std::env::var("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
        let is_ignored = ignored.is_ok_and(|ignored| ignored.eq_ignore_ascii_case("true"));
        let named = std::env::var("AWS_ENDPOINT_URL").ok().filter(|url| !url.is_empty());
        named.filter(|_| !is_ignored)
    };
    if let Some(Err(rule)) = url.clone().or_else(unread).map(|url| check_server_url(&url)) {
        let source = "AWS_ENDPOINT_URL_DYNAMODB, AWS_ENDPOINT_URL or the profile's endpoint_url";
        return Err(Error::new(ErrorKind::NotConfigured, format!("{source} {rule}")));
    }
    Ok(url)
}
