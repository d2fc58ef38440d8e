//! Requests for one row.

use larder_core::Timestamp;
use larder_core::driver::RowKey;
use reqwest::header::{CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_MATCH};
use reqwest::{Method, Request};
use smol_str::SmolStr;

use crate::client::Client;
use crate::codec::{Entity, Row, RowUrl};
use crate::error::Failure;
use crate::transport::{Answer, date};

/// A row that was read.
pub(crate) struct Got {
    pub(crate) row: Row,
    pub(crate) etag: SmolStr,
    headers: HeaderMap,
}

impl Got {
    /// The time by the service's clock.
    pub(crate) fn date(&self) -> Option<Timestamp> {
        date(&self.headers)
    }
}

/// What a row's ETag must be.
#[derive(Clone, Copy)]
pub(crate) enum IfMatch<'a> {
    /// Anything: the row must be there.
    Any,
    Etag(&'a str),
}

impl Client {
    pub(crate) async fn get(&self, row: &RowKey, select: Option<&'static str>) -> Result<Got, Failure> {
        let mut request = self.to_row(Method::GET, row)?;
        if let Some(select) = select {
            request.url_mut().query_pairs_mut().append_pair("$select", select);
        }
        let answer = self.answer(request).await?;
        let row = serde_json::from_slice(&answer.body).map_err(|_| Failure::Unreadable)?;
        Ok(Got { row, etag: etag(&answer)?, headers: answer.headers })
    }

    /// Makes a row that must not be there. Returns its ETag, as all that write do.
    pub(crate) async fn insert(&self, entity: &Entity<'_>) -> Result<SmolStr, Failure> {
        let mut request = self.request_to(Method::POST, &self.rows)?;
        request.headers_mut().insert("prefer", HeaderValue::from_static("return-no-content"));
        self.write(request, entity).await
    }

    /// Makes a row or replaces it, whatever is there.
    pub(crate) async fn replace_any(&self, row: &RowKey, entity: &Entity<'_>) -> Result<SmolStr, Failure> {
        self.write(self.to_row(Method::PUT, row)?, entity).await
    }

    /// Replaces a row that is there.
    pub(crate) async fn replace(
        &self,
        row: &RowKey,
        entity: &Entity<'_>,
        when: IfMatch<'_>,
    ) -> Result<SmolStr, Failure> {
        self.write(when.put_on(self.to_row(Method::PUT, row)?)?, entity).await
    }

    /// Changes some properties of a row that is there.
    pub(crate) async fn merge(
        &self,
        row: &RowKey,
        entity: &Entity<'_>,
        when: IfMatch<'_>,
    ) -> Result<SmolStr, Failure> {
        let method = Method::from_bytes(b"MERGE").map_err(|_| Failure::Unfit("the method is none"))?;
        self.write(when.put_on(self.to_row(method, row)?)?, entity).await
    }

    /// Removes a row that is there.
    pub(crate) async fn delete(&self, row: &RowKey, when: IfMatch<'_>) -> Result<(), Failure> {
        self.answer(when.put_on(self.to_row(Method::DELETE, row)?)?).await.map(drop)
    }

    fn to_row(&self, method: Method, row: &RowKey) -> Result<Request, Failure> {
        self.request_to(method, &RowUrl(&self.rows, row).to_string())
    }

    async fn write(&self, mut request: Request, entity: &Entity<'_>) -> Result<SmolStr, Failure> {
        let body = entity.written().map_err(|_| Failure::Unfit("the row cannot be written"))?;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        *request.body_mut() = Some(body.into());
        etag(&self.answer(request).await?)
    }
}

impl IfMatch<'_> {
    fn put_on(self, mut request: Request) -> Result<Request, Failure> {
        let value = match self {
            Self::Any => HeaderValue::from_static("*"),
            Self::Etag(etag) => HeaderValue::try_from(etag)
                .map_err(|_| Failure::Unfit("a header has a forbidden character"))?,
        };
        request.headers_mut().insert(IF_MATCH, value);
        Ok(request)
    }
}

/// The ETag of the row that an answer is about. Without one, what was written could not be told from what comes after it.
fn etag(answer: &Answer) -> Result<SmolStr, Failure> {
    let etag = answer.headers.get(ETAG).and_then(|etag| etag.to_str().ok());
    etag.map(SmolStr::from).ok_or(Failure::Unreadable)
}
