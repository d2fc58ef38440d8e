//! Ranges of one shard: one query, sent again where the service stops before it has found a row.

use std::sync::atomic::{AtomicUsize, Ordering};

use larder_core::driver::{DriverError, Projection, ScanReply, ScanRequest, ScanRow};
use larder_core::{ErrorKind, MAX_PAGE_LIMIT, MAX_VALUE_BYTES};

use crate::codec::META_WITH_KEYS;
use crate::driver::TablesDriver;
use crate::error::{Failure, failed};
use crate::filter::range;
use crate::queries::{Page, Query};

/// How many bytes of a page's budget a row is asked for where nothing is known. The service knows no budget of bytes, and
/// sends what goes over it too.
const UNKNOWN: usize = 8 * 1024;
/// The least that a row is asked for: the service sends a name and a time with each.
const LEAST: usize = 1024;
/// So many rows are no more than the transport takes, however large a value may be.
const FEW: usize = 128;
/// From fewer rows it is not told that values are small: a page of one small entry says nothing of its neighbours.
const TELLING: usize = 32;

/// How many bytes the values of the last page had, in the mean: those behind it are likely to be as they were.
#[derive(Debug)]
pub(crate) struct ValueSize(AtomicUsize);

impl Default for ValueSize {
    fn default() -> Self {
        Self(AtomicUsize::new(UNKNOWN))
    }
}

impl ValueSize {
    /// How many rows to ask for.
    fn top(&self, request: &ScanRequest) -> usize {
        // The service refuses a larger `$top`.
        let limit = request.limit.clamp(1, MAX_PAGE_LIMIT);
        match request.read.projection {
            Projection::Full => {
                let row = self.0.load(Ordering::Relaxed).max(LEAST);
                limit.min((request.max_bytes / row).max(1))
            }
            // No values come.
            Projection::Meta => limit,
        }
    }

    fn learn(&self, reply: &ScanReply) {
        let bytes: usize =
            reply.rows.iter().flat_map(|row| &row.record).map(|record| record.value.len()).sum();
        match bytes.checked_div(reply.rows.len()) {
            Some(mean) if reply.rows.len() >= TELLING => self.0.store(mean, Ordering::Relaxed),
            Some(mean) => self.expect(mean),
            None => {}
        }
    }

    /// From here on, values of at least that size.
    fn expect(&self, bytes: usize) {
        self.0.fetch_max(bytes, Ordering::Relaxed);
    }
}

/// A page that is on its way. Given up, or failed, it may have been too large for the time that there was: the next ones are
/// smaller.
struct Awaited<'a>(Option<&'a ValueSize>);

impl Awaited<'_> {
    fn came(mut self) {
        self.0 = None;
    }
}

impl Drop for Awaited<'_> {
    fn drop(&mut self) {
        if let Some(values) = self.0 {
            values.expect(UNKNOWN);
        }
    }
}

impl TablesDriver {
    pub(crate) async fn query(&self, request: &ScanRequest) -> Result<ScanReply, DriverError> {
        let mut limit = self.value_size.top(request);
        let projection = request.read.projection;
        let select = (projection == Projection::Meta).then_some(META_WITH_KEYS);
        let is_of_values = projection == Projection::Full;
        let awaited = Awaited((is_of_values && limit > FEW).then_some(&*self.value_size));
        let page = self.page(Some(request), select, &mut limit).await?;
        awaited.came();
        // Where fewer were asked for than wanted, a full answer may not be the last.
        let mut more = page.next.is_some() || (limit < request.limit && page.rows.len() >= limit);
        let mut rows = Vec::with_capacity(page.rows.len());
        let mut bytes = 0;
        for row in page.rows {
            if rows.len() == limit || bytes >= request.max_bytes {
                more = true;
                break;
            }
            let key = row.key(request.shard).ok_or_else(|| {
                let reason = format!("{} answered with a row that has no key", self.place);
                DriverError::refused(ErrorKind::Internal, reason)
            })?;
            let record = row.decode(None, projection);
            bytes += record.as_ref().map_or(0, |record| record.value.len());
            rows.push(ScanRow { key, record });
        }
        let reply = ScanReply { rows, more };
        if is_of_values {
            self.value_size.learn(&reply);
        }
        Ok(reply)
    }

    /// Looks at the whole table, since a row of somebody else's may be in a partition that is none of Larder's.
    pub(crate) async fn has_no_rows(&self) -> Result<bool, DriverError> {
        Ok(self.page(None, Some("RowKey"), &mut 1).await?.rows.is_empty())
    }

    /// Rows of the range, or of the whole table, if there are any; fewer than the limit, which is lowered then, if so many
    /// are too large.
    async fn page(
        &self,
        request: Option<&ScanRequest>,
        select: Option<&'static str>,
        limit: &mut usize,
    ) -> Result<Page, DriverError> {
        let filter = request.map(range);
        let mut from = None;
        loop {
            let query = Query { filter: filter.as_deref(), select, top: *limit, from: from.as_ref() };
            let page = match self.client.query(query).await {
                Err(Failure::TooLong) if *limit > 1 => {
                    // For the other shards, too.
                    self.value_size.expect(MAX_VALUE_BYTES);
                    *limit = if *limit > FEW { FEW } else { *limit / 2 };
                    continue;
                }
                page => page.map_err(|failure| failed(failure, &self.place))?,
            };
            if !page.rows.is_empty() || page.next.is_none() {
                return Ok(page);
            }
            // Nothing found in five seconds, or at the border of two of its servers.
            from = page.next;
        }
    }
}
