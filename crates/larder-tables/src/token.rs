//! Tokens of Entra ID, from `azure_identity` on a transport of ours.

use std::error::Error as StdError;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use azure_core::credentials::{AccessToken, Secret, TokenCredential};
use azure_core::time::OffsetDateTime;
use larder_core::{Error, ErrorKind, Result};
use tokio::time::{Instant, timeout, timeout_at};

use crate::client::quiet;
use crate::credentials::Credentials;
use crate::driver::Place;
use crate::identity::{TokenHttp, make};

/// What a token is for: the data of storage accounts.
const SCOPE: &str = "https://storage.azure.com/.default";
/// How long to look for a token when a table is opened; a machine without an identity takes its time to say so.
const FIRST: Duration = Duration::from_secs(5);
/// How long a token has to be good for to be used without asking for the next: what `azure_identity` goes by, too.
const STILL_GOOD: Duration = Duration::from_secs(300);
/// How long asking for the next one may take, and waiting for who asks: less than an attempt, whose end would leave a
/// write in doubt.
const RENEWAL: Duration = Duration::from_millis(1_500);
/// How long nobody asks again after that has failed: attempts that would wait for nothing fail at once and are certain.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// How long to wait for the answer from then on, until one comes: less than the time that the last attempt before a
/// deadline may be begun with.
const WHILE_DOWN: Duration = Duration::from_millis(150);

/// Gives tokens, and asks for new ones in time. Whoever needs one while it is asked for waits for the same answer, and
/// shares a failure.
pub(crate) struct Tokens {
    identity: Credentials,
    http: Arc<TokenHttp>,
    source: Arc<Source>,
}

/// What asks and remembers the answer, also for those who have given up waiting.
struct Source {
    present: Mutex<Present>,
    /// Held while somebody asks.
    asking: Arc<tokio::sync::Mutex<()>>,
}

/// Where tokens come from until one is refused that had been taken.
struct Present {
    credential: Arc<dyn TokenCredential>,
    generation: u64,
    was_accepted: bool,
    /// The last token that was given.
    token: Option<AccessToken>,
    /// When asking for the next one failed last, and how.
    failure: Option<(Instant, TokenFailure)>,
}

impl Present {
    fn new(credential: Arc<dyn TokenCredential>, generation: u64) -> Self {
        Self { credential, generation, was_accepted: false, token: None, failure: None }
    }

    /// The token, if it is good for so much longer.
    fn good_for(&self, time: Duration) -> Option<Token> {
        let token =
            self.token.as_ref().filter(|token| token.expires_on > OffsetDateTime::now_utc() + time)?;
        Some(Token { secret: token.token.clone(), generation: self.generation })
    }

    /// What is there without asking: a token with some time left, or what the last one who asked came back with.
    fn known(&self) -> Option<std::result::Result<Token, TokenFailure>> {
        if let Some(token) = self.good_for(STILL_GOOD) {
            return Some(Ok(token));
        }
        let (at, failure) = self.failure.as_ref()?;
        (at.elapsed() < AFTER_FAILURE).then(|| self.instead_of(failure))
    }

    /// The old token goes on as long as it is good, where the next one could not be asked for.
    fn instead_of(&self, failure: &TokenFailure) -> std::result::Result<Token, TokenFailure> {
        let is_down = matches!(failure, TokenFailure::Down(_));
        self.good_for(Duration::ZERO).filter(|_| is_down).ok_or_else(|| failure.clone())
    }
}

/// A token, and which of the generations it is of.
pub(crate) struct Token {
    pub(crate) secret: Secret,
    pub(crate) generation: u64,
}

/// Why there is no token. It quotes no answer: those hold tokens, and parts of secrets.
#[derive(Clone, Debug)]
pub(crate) enum TokenFailure {
    /// Who gives tokens could not be asked, or failed.
    Down(String),
    /// It was asked, and refused.
    Refused(String),
    /// There is nothing to ask with.
    Missing(String),
}

impl TokenFailure {
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Down(_) => ErrorKind::Unavailable,
            Self::Refused(_) | Self::Missing(_) => ErrorKind::Unauthorized,
        }
    }
}

impl fmt::Display for TokenFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Down(reason) => write!(f, "the token service is down: {reason}"),
            Self::Refused(reason) => write!(
                f,
                "the token service refused the identity: {reason}; check the directory, the client id, and the secret or \
                 what stands for it"
            ),
            Self::Missing(reason) => write!(f, "the identity cannot be used: {reason}"),
        }
    }
}

impl StdError for TokenFailure {}

impl Tokens {
    /// Makes ready to ask for tokens, and asks for the first: a request's time would be up before a machine without an
    /// identity says so.
    pub(crate) async fn open(
        identity: Credentials,
        found_in_environment: bool,
        connect_timeout: Duration,
        place: &Place,
    ) -> Result<Self> {
        let http = Arc::new(TokenHttp::new(&identity, connect_timeout)?);
        let failed = |failure: TokenFailure| {
            if found_in_environment
                && matches!(identity, Credentials::ManagedIdentity { .. })
                && matches!(failure, TokenFailure::Down(_))
            {
                return Error::new(ErrorKind::Unauthorized, nothing_found(place));
            }
            Error::new(failure.kind(), format!("no token for {place}: {failure}"))
        };
        let credential = make(&identity, &http).map_err(&failed)?;
        let tokens = Self {
            identity: identity.clone(),
            http: Arc::clone(&http),
            source: Arc::new(Source {
                present: Mutex::new(Present::new(credential, 0)),
                asking: Arc::default(),
            }),
        };
        match tokens.token_within(FIRST).await {
            Ok(_) => Ok(tokens),
            Err(failure) => Err(failed(failure)),
        }
    }

    /// The present token, or the next one if that has under five minutes left.
    pub(crate) async fn token(&self) -> std::result::Result<Token, TokenFailure> {
        self.token_within(RENEWAL).await
    }

    async fn token_within(&self, time: Duration) -> std::result::Result<Token, TokenFailure> {
        let end = Instant::now() + time;
        let failure = {
            let present = self.source.present();
            if let Some(known) = present.known() {
                return known;
            }
            present.failure.as_ref().map(|(_, failure)| failure.clone())
        };
        let was_down = failure.is_some();
        let asking = Arc::clone(&self.source.asking);
        let asking = match &failure {
            Some(_) => asking.try_lock_owned().ok(),
            None => timeout_at(end, asking.lock_owned()).await.ok(),
        };
        let Some(asking) = asking else {
            // Whoever asks is still at it.
            return self.source.present().instead_of(&failure.unwrap_or_else(late));
        };
        let source = Arc::clone(&self.source);
        // A task of its own: its answer is for the next one who needs a token, if this one cannot wait for it.
        let answer = tokio::spawn(async move {
            let _asking = asking;
            source.ask(end).await
        });
        let answer = if was_down { timeout(WHILE_DOWN, answer).await.ok() } else { Some(answer.await) };
        match answer {
            Some(Ok(answer)) => answer,
            // Until it answers, it is what it was.
            _ => self.source.present().instead_of(&failure.unwrap_or_else(late)),
        }
    }

    /// Notes that the service has taken a token.
    pub(crate) fn accepted(&self, generation: u64) {
        let mut present = self.source.present();
        present.was_accepted |= present.generation == generation;
    }

    /// Throws away a token that the service has refused; returns whether a new one may help. One that was never taken
    /// would be refused again.
    pub(crate) fn renew(&self, generation: u64) -> bool {
        let mut present = self.source.present();
        if present.generation != generation {
            // Others were refused at the same time, and the first of them has seen to it.
            return true;
        }
        if !present.was_accepted {
            return false;
        }
        let fresh = make(&self.identity, &self.http);
        if let Ok(credential) = fresh {
            *present = Present::new(credential, generation + 1);
            return true;
        }
        false
    }
}

impl Source {
    /// Asks for the next token, unless whoever asked before has got one.
    async fn ask(&self, end: Instant) -> std::result::Result<Token, TokenFailure> {
        let (credential, generation) = {
            let present = self.present();
            if let Some(known) = present.known() {
                return known;
            }
            (Arc::clone(&present.credential), present.generation)
        };
        let answer = match timeout_at(end, quiet(credential.get_token(&[SCOPE], None))).await {
            Ok(answer) => answer.map_err(|error| cause(&error)),
            Err(_) => Err(late()),
        };
        self.note(generation, answer)
    }

    /// Keeps the answer for whoever needs a token next.
    fn note(
        &self,
        generation: u64,
        answer: std::result::Result<AccessToken, TokenFailure>,
    ) -> std::result::Result<Token, TokenFailure> {
        let mut present = self.present();
        let is_present = present.generation == generation;
        match answer {
            Ok(token) => {
                let secret = token.token.clone();
                if is_present {
                    (present.token, present.failure) = (Some(token), None);
                }
                Ok(Token { secret, generation })
            }
            Err(failure) if is_present => {
                present.failure = Some((Instant::now(), failure.clone()));
                present.instead_of(&failure)
            }
            Err(failure) => Err(failure),
        }
    }

    fn present(&self) -> MutexGuard<'_, Present> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn late() -> TokenFailure {
    TokenFailure::Down("it did not answer in time".to_owned())
}

fn nothing_found(place: &Place) -> String {
    format!(
        "no credentials of Azure for {place}; looked in AZURE_CLIENT_SECRET and AZURE_FEDERATED_TOKEN_FILE with \
         AZURE_TENANT_ID and AZURE_CLIENT_ID, and asked for the machine's identity; set them, or give an account key or a \
         shared access signature"
    )
}

/// The failure within an error of `azure_identity`: its own words quote answers.
fn cause(error: &azure_core::Error) -> TokenFailure {
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(failure) = error.downcast_ref::<TokenFailure>() {
            return failure.clone();
        }
        next = error.source();
    }
    TokenFailure::Down("its answer could not be read".to_owned())
}
