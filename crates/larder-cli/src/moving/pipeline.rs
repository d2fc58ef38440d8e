//! Streams entries from one store into another: reading goes on while pages are written.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::stream::{self, StreamExt};
use larder::{Cursor, Entry, ErrorKind, Kv, MAX_PAGE_LIMIT, Page, ScanOptions};
use tokio::sync::mpsc::{Receiver, channel};

use super::entry::Carried;
use super::position::{Passed, Position, Start};
use super::progress::Progress;
use super::tally::Tally;
use super::writer::{Misfit, Writer};
use crate::failure::{Failure, Outcome};

/// How many pages are read before they are written.
const READ_AHEAD: usize = 2;
/// How many pages are written at once. Each is several requests; many more only wait in a slow store, until attempts run out of
/// time and are sent again.
const CONCURRENT_PAGES: usize = 2;

/// Copies the entries behind the position, and moves it along.
///
/// Pages are written several at a time, and the position passes one when it and all before it are durable: after a kill
/// no entry is missing.
pub(crate) async fn run(
    source: &Kv,
    prefix: &str,
    writer: Writer,
    position: &mut Position,
    progress: &Progress,
) -> Outcome<()> {
    let writer = Arc::new(writer);
    let pages = stream::unfold(read(source, prefix, position.cursor.clone()), |mut pages| async {
        pages.recv().await.map(|page| (page, pages))
    });
    // Those that were read, in this run and in those before it.
    let mut before = position.tally.readable();
    let (start, is_begun) = (position.start(), AtomicBool::new(false));
    let mut written = pin!(
        pages
            .map(|page| {
                let writer = Arc::clone(&writer);
                let (first, is_begun) = (before, &is_begun);
                before += page.as_ref().map_or(0, |page| page.entries.len() as u64);
                async move {
                    let page = page?;
                    writer.check(&page.entries).map_err(|misfit| refused(first, misfit))?;
                    let lasts = page.entries.iter().map(Carried::lasts).max();
                    is_begun.store(true, Ordering::Relaxed);
                    // A task of its own, so that another processor can take it.
                    let work = tokio::spawn(async move { writer.write(page.entries).await });
                    let tally =
                        work.await.map_err(|_| Failure::Other("a writing task failed".to_owned()))??;
                    Ok::<_, Failure>((Passed { cursor: page.cursor, tally, lasts }, page.unreadable))
                }
            })
            .buffered(CONCURRENT_PAGES)
    );
    while let Some(page) = written.next().await {
        let (mut page, unreadable) = match page {
            Ok(page) => page,
            Err(failure) => {
                if start == Start::Resumed || is_begun.load(Ordering::Relaxed) {
                    // What is done need not be done again.
                    position.save()?;
                } else {
                    // The target is as it was. A file would let a later copy pass for the rest of this one.
                    position.forget()?;
                }
                return Err(failure);
            }
        };
        for error in &unreadable {
            progress.note(&error.to_string());
        }
        page.tally.unreadable = unreadable.len() as u64;
        let saved = position.advance(page)?;
        progress.at(&position.tally);
        if saved {
            progress.saved(&position.tally);
        }
    }
    Ok(())
}

/// Says which entry the target does not take, and what can be done.
fn refused(first: u64, Misfit { at, why }: Misfit) -> Failure {
    Failure::Other(format!(
        "entry {} of the source, in key order: {why}; copy with a shorter keyPrefix, or into a store of its own; or give the \
         entry another key in the source, and go on",
        first + at as u64 + 1
    ))
}

struct ReadPage {
    entries: Vec<Carried>,
    /// Records that cannot be decoded (E3).
    unreadable: Vec<larder::Error>,
    cursor: Option<Cursor>,
}

impl From<Page<Entry>> for ReadPage {
    fn from(page: Page<Entry>) -> Self {
        let mut read = Self { entries: Vec::new(), unreadable: Vec::new(), cursor: page.cursor };
        for item in page.items {
            match item {
                Ok(entry) => read.entries.push(entry.into()),
                Err(error) => read.unreadable.push(error),
            }
        }
        read
    }
}

/// Reads pages in a task of its own, which ends with the receiver.
fn read(source: &Kv, prefix: &str, mut cursor: Option<Cursor>) -> Receiver<Outcome<ReadPage>> {
    let (sender, receiver) = channel(READ_AHEAD);
    let (source, prefix) = (source.clone(), prefix.to_owned());
    tokio::spawn(async move {
        loop {
            let options = ScanOptions::new().limit(MAX_PAGE_LIMIT).cursor(cursor.take());
            let page = source.scan_page(&prefix, options).await;
            let page = page.map(ReadPage::from).map_err(Failure::from);
            let next = page.as_ref().ok().and_then(|page| page.cursor.clone());
            if sender.send(page).await.is_err() || next.is_none() {
                return;
            }
            cursor = next;
        }
    });
    receiver
}

/// How many entries there are under a prefix.
pub(crate) async fn count(source: &Kv, prefix: &str) -> Outcome<u64> {
    let mut keys = source.scan_keys(prefix);
    let mut count = 0;
    while let Some(key) = keys.next().await {
        match key {
            Ok(_) => count += 1,
            Err(error) if error.kind() == ErrorKind::Corrupt => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(count)
}

/// What the summary of a move says, for programs.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Summary {
    #[serde(flatten)]
    pub(crate) tally: Tally,
    /// What `--verify` found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) differences: Option<u64>,
}
