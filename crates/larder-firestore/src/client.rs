//! The SDK's connections, with everything off that the handle does itself.

use std::sync::Arc;
use std::time::Duration;

use firestore::{FirestoreDb, FirestoreDbOptions};
use larder_core::driver::DriverError;
use tokio::time::timeout;
use tonic::{Code, Status};
use tracing::Dispatch;
use tracing::instrument::WithSubscriber;

use crate::credentials::Tokens;
use crate::driver::FirestoreDriver;
use crate::error::{Connection, failed, unreachable};
use crate::names::Place;
use crate::raw::Client;

/// Opens connections to one place.
#[derive(Debug)]
pub(crate) struct Connector {
    pub(crate) place: Arc<Place>,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) limit: Duration,
}

impl Connector {
    /// Connects, within the limit. The SDK connects when it is opened, and waits for 30 seconds.
    pub(crate) async fn connect(self: Arc<Self>) -> Result<FirestoreDb, DriverError> {
        let place = &self.place;
        let options = FirestoreDbOptions::new(place.project.clone())
            .with_database_id(place.database.clone())
            .with_firebase_api_url(place.url.clone())
            .with_max_retries(0);
        let opening = FirestoreDb::with_options_auth(options, self.tokens.headers());
        match timeout(self.limit, quiet(opening)).await {
            Ok(Ok(db)) => Ok(db),
            Ok(Err(error)) => Err(unreachable(place, why(&format!("{error:?}")))),
            Err(_) => Err(unreachable(place, "it took too long to connect")),
        }
    }
}

/// Why no connection came about. The SDK tells it only in the debug output of its error.
fn why(shown: &str) -> &'static str {
    const SIGNS: [(&str, &str); 7] = [
        ("ConnectionRefused", "the connection was refused"),
        ("dns error", "there is no such host"),
        ("failed to lookup", "there is no such host"),
        ("Certificate", "its certificate is not valid for it"),
        ("InvalidContentType", "it does not speak TLS"),
        ("Unreachable", "there is no way to it in this network"),
        ("ConnectionReset", "it hung up"),
    ];
    SIGNS.iter().find(|(sign, _)| shown.contains(sign)).map_or("no connection came about", |(_, why)| why)
}

impl FirestoreDriver {
    /// One attempt over one of the connections.
    pub(crate) async fn call<T, F>(&self, request: impl FnOnce(Client) -> F + Send) -> Result<T, DriverError>
    where
        F: Future<Output = Result<T, Status>> + Send,
    {
        let stream = self.channels.stream();
        let client = stream.client().await?;
        match quiet(request(client)).await {
            Ok(reply) => {
                stream.answered();
                Ok(reply)
            }
            Err(status) => {
                if status.code() == Code::Unauthenticated {
                    // It may have been withdrawn, or the clock of whoever gave it is wrong.
                    self.channels.tokens().forget();
                }
                match Connection::of(&status) {
                    Connection::Answered => stream.answered(),
                    Connection::Broken => stream.broken(),
                    Connection::Unused => {}
                }
                Err(failed(&status, &self.place))
            }
        }
    }
}

/// A request of the SDK without the SDK's own spans and events. Those of this version show no value and no token, but what
/// the next one shows is not ours to promise (E2).
///
/// The handle's span around it tells what was done, how long it took and how it ended.
pub(crate) fn quiet<T>(request: impl Future<Output = T>) -> impl Future<Output = T> {
    request.with_subscriber(Dispatch::none())
}
