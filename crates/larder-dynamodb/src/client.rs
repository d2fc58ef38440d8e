//! The SDK's client, with everything off that the handle does itself.

use std::error::Error as StdError;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::IdentityCache;
use aws_types::service_config::ServiceConfigKey;
use larder_core::{Error, ErrorKind, Result, check_server_url};
use tracing::Dispatch;
use tracing::instrument::WithSubscriber;

use crate::options::{Credentials, DynamoDbOptions};
use crate::whole::WholeAnswers;

/// How long to look for credentials; a machine without any takes its time to say so.
const CREDENTIALS: Duration = Duration::from_secs(5);

/// How long asking for new credentials may take: less than an attempt, whose end would leave a write in doubt.
const RENEWAL: Duration = Duration::from_millis(1_500);

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
    let config = quiet(loader.load()).await;
    let credentials = find_credentials(&config, options).await?;
    let endpoint = endpoint_url(&config, options)?;
    let config = aws_sdk_dynamodb::config::Builder::from(&config)
        .credentials_provider(credentials)
        .identity_cache(IdentityCache::lazy().load_timeout(RENEWAL).build())
        .interceptor(WholeAnswers)
        .build();
    Ok((Client::from_conf(config), endpoint))
}

/// The server that the SDK will ask: the binding's, else the one that the AWS environment names, by the SDK's own rules.
fn endpoint_url(config: &SdkConfig, options: &DynamoDbOptions) -> Result<Option<String>> {
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
        Ok(Err(error)) => Err(match trouble_of(&error) {
            Trouble::Down => unavailable(options),
            Trouble::Refused => {
                let table = &options.table;
                let reason = format!(
                    "credentials for the table {table} are refused by who gives them: check the role, and whether its \
                     token has expired"
                );
                Error::new(ErrorKind::Unauthorized, reason)
            }
            Trouble::Missing => missing(),
        }),
        Err(_) => Err(unavailable(options)),
    }
}

/// Why there are no credentials.
pub(crate) enum Trouble {
    /// There are none anywhere.
    Missing,
    /// Who gives them could not be asked, so that trying again may help.
    Down,
    /// Who gives them says no.
    Refused,
}

pub(crate) fn trouble_of(error: &CredentialsError) -> Trouble {
    /// The service's own words for a refusal; its errors have no type in common.
    const REFUSALS: [&str; 8] = [
        "ExpiredToken",
        "InvalidIdentityToken",
        "IDPRejectedClaim",
        "AccessDenied",
        "ValidationError",
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
        "RegionDisabled",
    ];
    match error {
        CredentialsError::ProviderTimedOut(_) => Trouble::Down,
        CredentialsError::ProviderError(_) => {
            let mut next = error.source();
            while let Some(error) = next {
                // Never shown: it may quote a token.
                let words = format!("{error} {error:?}");
                if REFUSALS.iter().any(|refusal| words.contains(refusal)) {
                    return Trouble::Refused;
                }
                next = error.source();
            }
            Trouble::Down
        }
        _ => Trouble::Missing,
    }
}

fn unavailable(options: &DynamoDbOptions) -> Error {
    let table = &options.table;
    let message =
        format!("credentials for the table {table} could not be had: who gives them is down, or refuses");
    Error::new(ErrorKind::Unavailable, message)
}

/// How long credentials have to be good for, at least, to be used without asking again.
const STILL_GOOD: Duration = Duration::from_secs(60);

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
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        // The binding may have been opened long before it is used.
        let is_good = |expiry: SystemTime| expiry > SystemTime::now() + STILL_GOOD;
        match first.filter(|credentials| credentials.expiry().is_none_or(is_good)) {
            Some(credentials) => future::ProvideCredentials::ready(Ok(credentials)),
            None => self.provider.provide_credentials(),
        }
    }

    fn fallback_on_interrupt(&self) -> Option<aws_sdk_dynamodb::config::Credentials> {
        self.provider.fallback_on_interrupt()
    }
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Found(..)")
    }
}
