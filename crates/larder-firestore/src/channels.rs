//! Connections, as many as the requests under way need.
//!
//! Firestore's servers take 100 requests at a time over one HTTP/2 connection; more would wait in line behind them.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use firestore::FirestoreDb;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use larder_core::driver::DriverError;
use tokio::time::Instant;

use crate::client::Connector;
use crate::credentials::Tokens;
use crate::raw::Client;

/// How many requests a connection carries at a time.
pub(crate) const STREAMS: usize = 100;
/// How many requests in a row may be reset on a connection before it is left: one has reasons of its own, and where
/// nothing else comes back the connection has.
const RESETS: usize = 8;

/// The connections of a driver. Clones share them.
#[derive(Clone)]
pub(crate) struct Channels {
    connector: Arc<Connector>,
    most: usize,
    /// Those in use, and those that are retired as long as a request is under way on them.
    all: Arc<Mutex<Vec<Arc<Channel>>>>,
}

/// One connection, or the attempt to make it.
struct Channel {
    /// Shared, so that all who wait for it learn of its failure at once.
    opening: Shared<BoxFuture<'static, Result<FirestoreDb, DriverError>>>,
    streams: AtomicUsize,
    /// Requests that were reset since the last answer.
    resets: AtomicUsize,
    /// Whether nothing more is sent over it.
    is_retired: AtomicBool,
    /// How often something came back.
    answers: AtomicUsize,
}

impl Channels {
    /// At most `most` connections, none of them open yet.
    pub(crate) fn new(connector: Connector, most: usize) -> Self {
        Self { connector: Arc::new(connector), most: most.max(1), all: Arc::default() }
    }

    /// A place for one request: on the first connection that has one, else on a new one, else on the least busy one.
    ///
    /// There are at most `most` connections in use, and twice as many with those that are retired and still have requests
    /// under way. Where all of those are retired, a request goes the way of the others.
    pub(crate) fn stream(&self) -> Stream<'_> {
        let mut all = self.all();
        let busy = |channel: &&Arc<Channel>| channel.streams.load(Ordering::Relaxed);
        let in_use = || all.iter().filter(|channel| !channel.is_retired.load(Ordering::Relaxed));
        let free = in_use().find(|channel| busy(channel) < STREAMS);
        let may_open = in_use().count() < self.most && all.len() < 2 * self.most;
        let least = || in_use().min_by_key(busy).or_else(|| all.iter().min_by_key(busy));
        let channel = match free.or_else(|| if may_open { None } else { least() }) {
            Some(channel) => Arc::clone(channel),
            None => {
                let channel = Arc::new(Channel {
                    opening: Arc::clone(&self.connector).connect().boxed().shared(),
                    streams: AtomicUsize::new(0),
                    resets: AtomicUsize::new(0),
                    is_retired: AtomicBool::new(false),
                    answers: AtomicUsize::new(0),
                });
                all.push(Arc::clone(&channel));
                channel
            }
        };
        // Under the lock, so that no two requests take the last place.
        channel.streams.fetch_add(1, Ordering::Relaxed);
        Stream { channels: self, channel, sent: None, patience: self.connector.limit }
    }

    pub(crate) fn tokens(&self) -> &Tokens {
        &self.connector.tokens
    }

    /// Forgets the retired connections that nothing is under way on.
    fn sweep(&self) {
        let is_done = |channel: &Channel| {
            channel.is_retired.load(Ordering::Relaxed) && channel.streams.load(Ordering::Relaxed) == 0
        };
        self.all().retain(|channel| !is_done(channel));
    }

    fn all(&self) -> MutexGuard<'_, Vec<Arc<Channel>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Channels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Channels(..)")
    }
}

/// A place for one request on a connection; dropping it makes room.
pub(crate) struct Stream<'a> {
    channels: &'a Channels,
    channel: Arc<Channel>,
    /// None where a request was not sent.
    sent: Option<Sent>,
    patience: Duration,
}

/// Since when the server may be silent: from when there is a connection until something came back.
struct Sent {
    at: Instant,
    /// How many answers had come by then.
    answers: usize,
}

impl Stream<'_> {
    /// The client of the connection, which is made if it is not there yet.
    pub(crate) async fn client(&mut self) -> Result<Client, DriverError> {
        let made = match self.channel.opening.peek() {
            Some(Ok(db)) => Ok(db.client().get_with(Client::new)),
            _ => self.channel.opening.clone().await.map(|db| db.client().get_with(Client::new)),
        };
        match &made {
            Ok(_) => {
                let answers = self.channel.answers.load(Ordering::Relaxed);
                self.sent = Some(Sent { at: Instant::now(), answers });
            }
            Err(_) => self.broken(),
        }
        made
    }

    /// The server answered.
    pub(crate) fn answered(&self) {
        self.channel.resets.store(0, Ordering::Relaxed);
        self.channel.answers.fetch_add(1, Ordering::Relaxed);
    }

    /// The request was not sent: the connection had no part in it.
    pub(crate) fn unused(&mut self) {
        self.sent = None;
    }

    /// The server ended this request alone. Where it ends one after the other, another connection may fare better.
    pub(crate) fn reset(&mut self) {
        self.sent = None;
        if self.channel.resets.fetch_add(1, Ordering::Relaxed) + 1 >= RESETS {
            self.broken();
        }
    }

    /// Nothing more is to be sent over the connection. What is under way on it goes on.
    pub(crate) fn broken(&self) {
        self.channel.is_retired.store(true, Ordering::Relaxed);
    }
}

impl Drop for Stream<'_> {
    fn drop(&mut self) {
        // Whoever sent the request has given up. If nothing at all has come over the connection meanwhile, it is a
        // dead one of which nobody was told, and the next request would wait as long again.
        if let Some(sent) = &self.sent
            && self.channel.answers.load(Ordering::Relaxed) == sent.answers
            && sent.at.elapsed() >= self.patience
        {
            self.broken();
        }
        // The last of them sees that it was retired, by whomever.
        self.channel.streams.fetch_sub(1, Ordering::AcqRel);
        if self.channel.is_retired.load(Ordering::Relaxed) {
            self.channels.sweep();
        }
    }
}
