//! The SDK's client, with everything off that the handle does itself.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_sdk_dynamodb::Client;
use larder_core::{Error, ErrorKind, Result};
use tracing::Dispatch;
use tracing::instrument::WithSubscriber;

use crate::options::{Credentials, DynamoDbOptions};

/// How long to wait for a connection (E4). What follows it is limited by the handle.
const CONNECT: Duration = Duration::from_secs(1);
/// How long to look for credentials; a machine without any takes its time to say so.
const CREDENTIALS: Duration = Duration::from_secs(5);

/// A client of its own: two bindings share neither connections nor credentials.
pub(crate) async fn connect(options: &DynamoDbOptions) -> Result<Client> {
    let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT).build();
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .region(Region::new(options.region.clone()))
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts)
        // It watches slow downloads, which an attempt's own limit ends sooner.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    if let Some(url) = &options.endpoint_url {
        check_url(url)?;
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
    let config = loader.load().await;
    let credentials = find_credentials(&config, options).await?;
    let config = aws_sdk_dynamodb::config::Builder::from(&config).credentials_provider(credentials).build();
    Ok(Client::from_conf(config))
}

/// A request of the SDK without the SDK's own spans and events: they print items, values included (E2).
///
/// The handle's span around it tells what was done, how long it took and how it ended.
pub(crate) fn quiet<T>(request: impl Future<Output = T>) -> impl Future<Output = T> {
    request.with_subscriber(Dispatch::none())
}

/// Looks for credentials before the first request, whose time would be up before a machine without any says so.
async fn find_credentials(config: &SdkConfig, options: &DynamoDbOptions) -> Result<Found> {
    let missing = || {
        let looked_in = match &options.credentials {
            Credentials::Environment => {
                "the variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the shared files, \
                 the web identity, and the container's and the machine's role"
                    .to_owned()
            }
            Credentials::Profile(name) => format!("the profile {name:?} of the shared files"),
            Credentials::Keys { .. } => "the binding".to_owned(),
        };
        let message = format!("no credentials of AWS for the table {}; looked in {looked_in}", options.table);
        Error::new(ErrorKind::Unauthorized, message)
    };
    let provider = config.credentials_provider().ok_or_else(missing)?;
    match tokio::time::timeout(CREDENTIALS, quiet(provider.provide_credentials())).await {
        Ok(Ok(credentials)) => Ok(Found { first: Mutex::new(Some(credentials)), provider }),
        // The SDK's own error is not kept: it may show more than it should (E2).
        Ok(Err(_)) | Err(_) => Err(missing()),
    }
}

/// A provider that has been asked already, so that the client need not ask a second time.
struct Found {
    first: Mutex<Option<aws_sdk_dynamodb::config::Credentials>>,
    provider: SharedCredentialsProvider,
}

impl ProvideCredentials for Found {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        match self.first.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(credentials) => future::ProvideCredentials::ready(Ok(credentials)),
            None => self.provider.provide_credentials(),
        }
    }
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Found(..)")
    }
}

fn check_url(url: &str) -> Result<()> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    match rest {
        Some(host) if !host.is_empty() && !host.starts_with('/') => Ok(()),
        _ => Err(Error::new(
            ErrorKind::InvalidInput,
            "endpointUrl is no URL: it has to begin with http:// or https:// and a host",
        )),
    }
}
