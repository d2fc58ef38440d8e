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
    /// Whether nothing more is sent over it.
    is_retired: AtomicBool,
    last_answer: Mutex<Option<Instant>>,
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
                    is_retired: AtomicBool::new(false),
                    last_answer: Mutex::default(),
                });
                all.push(Arc::clone(&channel));
                channel
            }
        };
        // Under the lock, so that no two requests take the last place.
        channel.streams.fetch_add(1, Ordering::Relaxed);
        Stream { channels: self, channel, started: Instant::now(), patience: self.connector.limit }
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

impl Channel {
    fn last_answer(&self) -> MutexGuard<'_, Option<Instant>> {
        self.last_answer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place for one request on a connection; dropping it makes room.
pub(crate) struct Stream<'a> {
    channels: &'a Channels,
    channel: Arc<Channel>,
    started: Instant,
    patience: Duration,
}

impl Stream<'_> {
    /// The client of the connection, which is made if it is not there yet.
    pub(crate) async fn client(&self) -> Result<Client, DriverError> {
        match self.channel.opening.clone().await {
            Ok(db) => Ok(db.client().get_with(Client::new)),
            Err(error) => {
                self.broken();
                Err(error)
            }
        }
    }

    /// The server answered.
    pub(crate) fn answered(&self) {
        *self.channel.last_answer() = Some(Instant::now());
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
        let is_silent = self.channel.last_answer().is_none_or(|last| last < self.started);
        if is_silent && self.started.elapsed() >= self.patience {
            self.broken();
        }
        // The last of them sees that it was retired, by whomever.
        self.channel.streams.fetch_sub(1, Ordering::AcqRel);
        if self.channel.is_retired.load(Ordering::Relaxed) {
            self.channels.sweep();
        }
    }
}
