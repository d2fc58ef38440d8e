//! Ranges of one shard: one query, sent again where the service stops before it has found a row.

use larder_core::driver::{DriverError, Projection, ScanReply, ScanRequest, ScanRow};
use larder_core::{ErrorKind, MAX_PAGE_LIMIT};

use crate::client::Page;
use crate::codec::META_WITH_KEYS;
use crate::driver::TablesDriver;
use crate::error::failed;
use crate::filter::range;

impl TablesDriver {
    pub(crate) async fn query(&self, request: &ScanRequest) -> Result<ScanReply, DriverError> {
        // The service refuses a larger `$top`.
        let limit = request.limit.clamp(1, MAX_PAGE_LIMIT);
        let projection = request.read.projection;
        let select = (projection == Projection::Meta).then_some(META_WITH_KEYS);
        let filter = range(request);
        let page = self.page(Some(&filter), select, limit).await?;
        let mut more = page.next.is_some();
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

    /// Rows that fit the filter, if there are any.
    async fn page(
        &self,
        filter: Option<&str>,
        select: Option<&'static str>,
        limit: usize,
    ) -> Result<Page, DriverError> {
        let mut from = None;
        loop {
            let page = self.client.query(filter, select, limit, from).await;
            let page = page.map_err(|failure| failed(failure, &self.place))?;
            if !page.rows.is_empty() || page.next.is_none() {
                return Ok(page);
            }
            // Nothing found in five seconds, or at the border of two of its servers.
            from = page.next;
        }
    }
}
