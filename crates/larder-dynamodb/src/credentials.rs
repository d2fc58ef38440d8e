//! Who asks: credentials, found when a binding is opened and renewed when they run out.

use std::error::Error as StdError;
use std::fmt;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use larder_core::{Error, ErrorKind, Result};
use tokio::time::{Instant, timeout};

use crate::client::quiet;
use crate::options::{Credentials, DynamoDbOptions};

/// How long to look for credentials at first; a machine without any takes its time to say so.
const FIRST: Duration = Duration::from_secs(5);

/// Looks for credentials before the first request, whose time would be up before a machine without any says so.
pub(crate) async fn find_credentials(config: &SdkConfig, options: &DynamoDbOptions) -> Result<Found> {
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
    let first = timeout(FIRST, quiet(pin!(provider.provide_credentials()))).await;
    match first {
        Ok(Ok(credentials)) => {
            Ok(Found { first: Mutex::new(Some(credentials)), failed_at: Mutex::default(), provider })
        }
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
/// How long asking for new ones may take: less than an attempt, whose end would leave a write in doubt.
const RENEWAL: Duration = Duration::from_millis(1_500);
/// How long nobody is asked again after that: attempts that wait for nothing fail at once and are certain.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// A provider that has been asked already, so that the client need not ask a second time.
pub(crate) struct Found {
    first: Mutex<Option<aws_sdk_dynamodb::config::Credentials>>,
    failed_at: Mutex<Option<Instant>>,
    provider: SharedCredentialsProvider,
}

impl Found {
    async fn renewed(&self) -> Result<aws_sdk_dynamodb::config::Credentials, CredentialsError> {
        let is_down = || {
            let failed_at = *self.failed_at.lock().unwrap_or_else(PoisonError::into_inner);
            failed_at.is_some_and(|failed_at| failed_at.elapsed() < AFTER_FAILURE)
        };
        if is_down() {
            return Err(CredentialsError::provider_timed_out(RENEWAL));
        }
        match timeout(RENEWAL, self.provider.provide_credentials()).await {
            Ok(answer) => answer,
            Err(_) => self.provider.fallback_on_interrupt().ok_or_else(|| {
                *self.failed_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
                CredentialsError::provider_timed_out(RENEWAL)
            }),
        }
    }
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
            None => future::ProvideCredentials::new(self.renewed()),
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
