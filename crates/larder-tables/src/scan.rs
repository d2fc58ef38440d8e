//! Ranges of one shard: one query, sent again where the service stops before it has found a row.

use larder_core::driver::{DriverError, Projection, ScanReply, ScanRequest, ScanRow};
use larder_core::{ErrorKind, MAX_PAGE_LIMIT};

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
        let mut from = None;
        let page = loop {
            let page = self.client.query(filter.clone(), select, limit, from).await;
            let page = page.map_err(|failure| failed(failure, &self.place))?;
            if !page.rows.is_empty() || page.next.is_none() {
                break page;
            }
            // Nothing found in five seconds, or at the border of two of its servers.
            from = page.next;
        };
        let mut more = page.next.is_some();
        let mut rows = Vec::with_capacity(page.rows.len());
        let mut bytes = 0;
        for row in page.rows {
            if rows.len() == limit || bytes >= request.max_bytes {
                more = true;
                break;
            }
            let key = row.key(request.shard).ok_or_else(|| {
                let reason = format!("{} holds a row whose key is not in canonical form", self.place);
                DriverError::refused(ErrorKind::Corrupt, reason)
            })?;
            let record = row.decode(None, projection);
            bytes += record.as_ref().map_or(0, |record| record.value.len());
            rows.push(ScanRow { key, record });
        }
        Ok(ScanReply { rows, more })
    }
}
