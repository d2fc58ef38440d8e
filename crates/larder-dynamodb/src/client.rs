//! The SDK's client, with everything off that the handle does itself.

use std::future::poll_fn;
use std::pin::{Pin, pin};

use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::SharedInterceptor;
use larder_core::{Error, ErrorKind, Result, check_server_url};
use tracing::{Dispatch, dispatcher};

use crate::credentials::find_credentials;
use crate::endpoint::endpoint_url;
use crate::hooks::Hooks;
use crate::options::{Credentials, DynamoDbOptions};

/// A client of its own: two bindings share neither connections nor credentials; and the server that it asks, if that is
/// not the region's.
pub(crate) async fn connect(options: &DynamoDbOptions) -> Result<(Client, Option<String>)> {
    let timeouts = TimeoutConfig::builder().connect_timeout(options.connect_timeout).build();
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .region(Region::new(options.region.clone()))
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts)
        // It watches slow downloads, which an attempt's own limit ends sooner.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    if let Some(url) = &options.endpoint_url {
        check_server_url(url)
            .map_err(|rule| Error::new(ErrorKind::InvalidInput, format!("endpointUrl {rule}")))?;
        loader = loader.endpoint_url(url);
    }
    loader = match &options.credentials {
        Credentials::Environment => loader,
        Credentials::Profile(name) => loader.credentials_provider(
            aws_config::profile::ProfileFileCredentialsProvider::builder().profile_name(name).build(),
        ),
        Credentials::Keys { id, secret, session_token } => loader.credentials_provider(
            aws_sdk_dynamodb::config::Credentials::new(id, secret, session_token.clone(), None, "binding"),
        ),
    };
    let config = quiet(pin!(loader.load())).await;
    let credentials = find_credentials(&config, options).await?;
    let endpoint = endpoint_url(&config, options)?;
    let mut config = aws_sdk_dynamodb::config::Builder::from(&config).credentials_provider(credentials);
    // Permanent: otherwise the SDK looks at each of its many hooks whether this one is switched off.
    config.push_interceptor(SharedInterceptor::permanent(Hooks::default()));
    Ok((Client::from_conf(config.build()), endpoint))
}

/// A request of the SDK without the SDK's own spans and events: they print items, values included (E2).
///
/// The handle's span around it tells what was done, how long it took and how it ended.
///
/// It takes the request where it is: each move of one copies thousands of bytes.
pub(crate) async fn quiet<T>(mut request: Pin<&mut impl Future<Output = T>>) -> T {
    let nobody = Dispatch::none();
    poll_fn(|context| dispatcher::with_default(&nobody, || request.as_mut().poll(context))).await
}
