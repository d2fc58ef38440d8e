//! Ranges of one shard: one query, sent again where the service stops before it has found a row.

use larder_core::driver::{DriverError, Projection, ScanReply, ScanRequest, ScanRow};
use larder_core::{ErrorKind, MAX_PAGE_LIMIT};

use crate::client::Page;
use crate::codec::META_WITH_KEYS;
use crate::driver::TablesDriver;
use crate::error::failed;
use crate::filter::range;

/// How many bytes of a page's budget a row is asked for. The service knows no budget of bytes, and sends what goes over it
/// too. A full value is three times as large, and a third larger once more as JSON: 1 MiB asks for 128 rows, which are 4 MB at
/// most. Values of up to this size still come in one request.
const BYTES_PER_ROW: usize = 8 * 1024;

/// How many rows to ask for.
fn top(request: &ScanRequest) -> usize {
    // The service refuses a larger `$top`.
    let limit = request.limit.clamp(1, MAX_PAGE_LIMIT);
    match request.read.projection {
        Projection::Full => limit.min((request.max_bytes / BYTES_PER_ROW).max(1)),
        // No values come.
        Projection::Meta => limit,
    }
}

impl TablesDriver {
    pub(crate) async fn query(&self, request: &ScanRequest) -> Result<ScanReply, DriverError> {
        let limit = top(request);
        let projection = request.read.projection;
        let select = (projection == Projection::Meta).then_some(META_WITH_KEYS);
        let page = self.page(Some(request), select, limit).await?;
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
        Ok(ScanReply { rows, more })
    }

    /// Looks at the whole table, since a row of somebody else's may be in a partition that is none of Larder's.
    pub(crate) async fn has_no_rows(&self) -> Result<bool, DriverError> {
        Ok(self.page(None, Some("RowKey"), 1).await?.rows.is_empty())
    }

    /// Rows of the range, or of the whole table, if there are any.
    async fn page(
        &self,
        request: Option<&ScanRequest>,
        select: Option<&'static str>,
        limit: usize,
    ) -> Result<Page, DriverError> {
        let mut from = None;
        loop {
            let page = self.client.query(request.map(range), select, limit, from).await;
            let page = page.map_err(|failure| failed(failure, &self.place))?;
            if !page.rows.is_empty() || page.next.is_none() {
                return Ok(page);
            }
            // Nothing found in five seconds, or at the border of two of its servers.
            from = page.next;
        }
    }
}
