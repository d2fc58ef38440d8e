//! The log, the counts, and whether anything is still on its way.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::counts::{Count, Counts};
use super::exchange::Exchange;
use super::rulebook::Rulebook;

/// A place in the log, which is filled in as things happen.
pub(super) type Entry = Arc<Mutex<Exchange>>;

/// The log and the counts.
#[derive(Debug)]
pub(super) struct Journal {
    pages: Mutex<Pages>,
    on_their_way: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Pages {
    log: Vec<Entry>,
    counts: Counts,
}

/// Something is on its way, for as long as this is held.
#[derive(Debug)]
pub(super) struct Ticket(Arc<Journal>);

impl Journal {
    pub(super) fn new() -> Self {
        Self { pages: Mutex::default(), on_their_way: watch::Sender::new(0) }
    }

    /// Counts a connection, and gives it a number.
    pub(super) fn connection(&self) -> u64 {
        let counts = &mut self.pages().counts;
        counts.connections += 1;
        counts.connections
    }

    /// Takes a request into the log, and asks the rules about it in the order of the log.
    pub(super) fn open(self: &Arc<Self>, mut exchange: Exchange, rules: &Rulebook) -> (Entry, Ticket) {
        let ticket = self.ticket();
        let mut pages = self.pages();
        exchange.sequence = pages.log.len() as u64;
        exchange.faults = rules.faults(&exchange.operation, &exchange.path, &exchange.request);
        let count = pages.counts.operations.entry(exchange.operation.clone()).or_default();
        count.requests += 1;
        count.request_bytes += exchange.request.len() as u64;
        let entry = Arc::new(Mutex::new(exchange));
        pages.log.push(Arc::clone(&entry));
        drop(pages);
        (entry, ticket)
    }

    /// Says that something is on its way.
    pub(super) fn ticket(self: &Arc<Self>) -> Ticket {
        self.on_their_way.send_modify(|number| *number += 1);
        Ticket(Arc::clone(self))
    }

    /// Changes the counts of the operation of a request.
    pub(super) fn count(&self, entry: &Entry, change: impl FnOnce(&mut Count)) {
        let operation = write(entry).operation.clone();
        change(self.pages().counts.operations.entry(operation).or_default());
    }

    /// A part of the log.
    pub(super) fn log(&self, offset: usize, limit: usize) -> Vec<Exchange> {
        let entries: Vec<_> = self.pages().log.iter().skip(offset).take(limit).cloned().collect();
        entries.iter().map(|entry| write(entry).clone()).collect()
    }

    pub(super) fn counts(&self) -> Counts {
        self.pages().counts.clone()
    }

    /// Waits until nothing is on its way.
    pub(super) async fn settle(&self) {
        // An error would mean that the sender is gone, and then nothing can come any more.
        let _ = self.on_their_way.subscribe().wait_for(|&number| number == 0).await;
    }

    /// Forgets everything, once nothing is on its way that would be missing in the new log.
    pub(super) async fn clear(&self) {
        loop {
            self.settle().await;
            let mut pages = self.pages();
            if *self.on_their_way.borrow() == 0 {
                *pages = Pages::default();
                return;
            }
        }
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.on_their_way.send_modify(|number| *number -= 1);
    }
}

/// An entry, to fill in.
pub(super) fn write(entry: &Entry) -> MutexGuard<'_, Exchange> {
    entry.lock().unwrap_or_else(PoisonError::into_inner)
}
