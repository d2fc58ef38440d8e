//! Whether who began something may go on with it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::Instant;

use super::authenticate::unreadable;
use crate::caller::{Caller, Identity};
use crate::gateway::Gateway;
use crate::keys::{KeyId, Keyring};
use crate::problem::{Code, Problem};

/// How often it is asked for.
const EVERY: Duration = Duration::from_secs(1);

/// Whether a caller whose answer takes long may have the rest of it: its key may be revoked, or expire, meanwhile.
pub(crate) struct Standing {
    /// `None` on a gateway without keys.
    key: Option<(Arc<Keyring>, KeyId)>,
    asked: Instant,
    asking: Option<Asking>,
}

type Asking = Pin<Box<dyn Future<Output = Result<(), Problem>> + Send>>;

impl Standing {
    /// Of a caller who was let in just now.
    pub(crate) fn new(gateway: &Gateway, caller: &Caller) -> Self {
        let key = match caller.identity() {
            Identity::Key(id) => gateway.keyring().map(|keyring| (Arc::clone(keyring), *id)),
            Identity::Loopback => None,
        };
        Self::of(key)
    }

    pub(crate) fn of(key: Option<(Arc<Keyring>, KeyId)>) -> Self {
        Self { key, asked: Instant::now(), asking: None }
    }

    /// Ready with 401 when the caller's key is good no longer, and with 503 when that cannot be known.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Problem>> {
        let Some((keyring, id)) = &self.key else { return Poll::Ready(Ok(())) };
        if self.asking.is_none() && self.asked.elapsed() < EVERY {
            return Poll::Ready(Ok(()));
        }
        let asking = self.asking.get_or_insert_with(|| Box::pin(ask(Arc::clone(keyring), *id)));
        let answer = ready!(asking.as_mut().poll(context));
        self.asking = None;
        self.asked = Instant::now();
        Poll::Ready(answer)
    }
}

async fn ask(keyring: Arc<Keyring>, id: KeyId) -> Result<(), Problem> {
    if keyring.is_good(id).await.map_err(unreadable)? {
        return Ok(());
    }
    Err(Problem::new(Code::Unauthorized, "this API key was revoked or has expired meanwhile"))
}
