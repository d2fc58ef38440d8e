//! Scans as streams.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::Stream;

use super::Kv;
use super::scan::{Item, Scanner};
use crate::error::Result;
use crate::operation::Operation;
use crate::options::MAX_PAGE_LIMIT;

impl Kv {
    pub(super) fn stream<T: Item>(&self, prefix: &str) -> ScanStream<T> {
        let (kv, prefix) = (self.clone(), prefix.to_owned());
        let first = NextPage(Box::pin(async move {
            let scanner = async { Scanner::new(&kv, &prefix, None, T::PROJECTION) };
            let scanner = kv.observed(Operation::Scan, scanner).await?;
            NextPage::read(kv, Box::new(scanner)).0.await
        }));
        ScanStream { page: Vec::new().into_iter(), next: Some(first) }
    }
}

/// The entries of a scan, one after the other, read page by page.
///
/// An item that is an error of kind `Corrupt` stands for one record, and the stream goes on behind it (E3). Any other
/// error ends the stream.
#[must_use = "a stream does nothing unless it is polled"]
pub struct ScanStream<T> {
    page: std::vec::IntoIter<Result<T>>,
    /// The page after this one; `None` at the end.
    next: Option<NextPage<T>>,
}

/// A page's entries, and the way to the next one.
type ReadPage<T> = (Vec<Result<T>>, Option<NextPage<T>>);

struct NextPage<T>(Pin<Box<dyn Future<Output = Result<ReadPage<T>>> + Send>>);

impl<T: Item> NextPage<T> {
    fn read(kv: Kv, mut scanner: Box<Scanner>) -> Self {
        Self(Box::pin(async move {
            let size = kv.shared.driver.info().stream_page.clamp(1, MAX_PAGE_LIMIT);
            let page = kv.observed(Operation::Scan, scanner.page::<T>(size, usize::MAX)).await?;
            // A store in this process may never make the stream wait, and other tasks want their turn.
            tokio::task::yield_now().await;
            let next = page.cursor.is_some().then(|| Self::read(kv, scanner));
            Ok((page.items, next))
        }))
    }
}

impl<T> Stream for ScanStream<T> {
    type Item = Result<T>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<T>>> {
        let this = self.get_mut();
        loop {
            if let Some(item) = this.page.next() {
                return Poll::Ready(Some(item));
            }
            let Some(next) = &mut this.next else { return Poll::Ready(None) };
            let read = ready!(next.0.as_mut().poll(context));
            this.next = None;
            match read {
                Ok((page, next)) => {
                    this.page = page.into_iter();
                    this.next = next;
                }
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
    }
}

impl<T> Unpin for ScanStream<T> {}

impl<T> std::fmt::Debug for ScanStream<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScanStream").finish_non_exhaustive()
    }
}
