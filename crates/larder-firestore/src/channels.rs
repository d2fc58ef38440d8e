//! Connections, as many as the requests under way need.
//!
//! Firestore's servers take 100 requests at a time over one HTTP/2 connection; more would wait in line behind them.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use firestore::FirestoreDb;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use larder_core::driver::DriverError;
use tokio::time::Instant;

use crate::client::{Client, Connector};
use crate::credentials::Tokens;

/// How many requests a connection carries at a time.
pub(crate) const STREAMS: usize = 100;

/// The connections of a driver. Clones share them.
#[derive(Clone)]
pub(crate) struct Channels {
    connector: Arc<Connector>,
    most: usize,
    open: Arc<Mutex<Vec<Arc<Channel>>>>,
}

/// One connection, or the attempt to make it.
struct Channel {
    /// Shared, so that all who wait for it learn of its failure at once.
    opening: Shared<BoxFuture<'static, Result<FirestoreDb, DriverError>>>,
    streams: AtomicUsize,
    last_answer: Mutex<Option<Instant>>,
}

impl Channels {
    /// At most `most` connections, none of them open yet.
    pub(crate) fn new(connector: Connector, most: usize) -> Self {
        Self { connector: Arc::new(connector), most: most.max(1), open: Arc::default() }
    }

    /// A place for one request: on the first connection that has one, else on a new one, else on the least busy one.
    pub(crate) fn stream(&self) -> Stream<'_> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let busy = |channel: &Arc<Channel>| channel.streams.load(Ordering::Relaxed);
        let free = open.iter().find(|channel| busy(channel) < STREAMS);
        let channel = match free.or_else(|| open.iter().min_by_key(|channel| busy(channel))) {
            Some(channel) if free.is_some() || open.len() >= self.most => Arc::clone(channel),
            _ => {
                let opening = Arc::clone(&self.connector).connect().boxed().shared();
                let channel =
                    Channel { opening, streams: AtomicUsize::new(0), last_answer: Mutex::default() };
                open.push(Arc::new(channel));
                Arc::clone(&open[open.len() - 1])
            }
        };
        // Under the lock, so that no two requests take the last place.
        channel.streams.fetch_add(1, Ordering::Relaxed);
        Stream { channels: self, channel, started: Instant::now(), patience: self.connector.limit }
    }

    pub(crate) fn tokens(&self) -> &Tokens {
        &self.connector.tokens
    }

    /// Sends nothing more over a connection. What is under way on it goes on.
    fn retire(&self, channel: &Arc<Channel>) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|other| !Arc::ptr_eq(other, channel));
    }
}

impl fmt::Debug for Channels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Channels(..)")
    }
}

impl Channel {
    fn last_answer(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
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
            Ok(db) => Ok(db.client().get()),
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

    /// The connection is not to be used any more.
    pub(crate) fn broken(&self) {
        self.channels.retire(&self.channel);
    }
}

impl Drop for Stream<'_> {
    fn drop(&mut self) {
        self.channel.streams.fetch_sub(1, Ordering::Relaxed);
        // Whoever sent the request has given up. If nothing at all has come over the connection meanwhile, it is a
        // dead one of which nobody was told, and the next request would wait as long again.
        let is_silent = self.channel.last_answer().is_none_or(|last| last < self.started);
        if is_silent && self.started.elapsed() >= self.patience {
            self.broken();
        }
    }
}
