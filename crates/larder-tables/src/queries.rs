//! Requests for ranges of rows.

use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName};
use serde::Deserialize;

use crate::client::Client;
use crate::codec::Row;
use crate::error::Failure;

const NEXT_PARTITION: HeaderName = HeaderName::from_static("x-ms-continuation-nextpartitionkey");
const NEXT_ROW: HeaderName = HeaderName::from_static("x-ms-continuation-nextrowkey");

/// Some rows of a query.
pub(crate) struct Page {
    pub(crate) rows: Vec<Row>,
    /// Where there may be more.
    pub(crate) next: Option<Next>,
}

/// A place in a query: partition and row key, as the service gave them.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Next {
    partition: String,
    row: Option<String>,
}

/// What a query asks for.
pub(crate) struct Query<'a> {
    /// All rows of the table where there is none.
    pub(crate) filter: Option<&'a str>,
    /// All properties where there are none.
    pub(crate) select: Option<&'static str>,
    /// The most rows that it brings.
    pub(crate) top: usize,
    /// Where it goes on.
    pub(crate) from: Option<&'a Next>,
}

impl Client {
    /// One request of a query, from its beginning or from where the last one ended.
    pub(crate) async fn query(&self, query: Query<'_>) -> Result<Page, Failure> {
        /// Whoever answers with another form is not the service, and has not said that there are no rows.
        #[derive(Deserialize)]
        struct Body {
            value: Vec<Row>,
        }
        let mut request = self.request_to(Method::GET, &format!("{}()", self.rows))?;
        {
            let mut pairs = request.url_mut().query_pairs_mut();
            if let Some(filter) = query.filter {
                pairs.append_pair("$filter", filter);
            }
            if let Some(select) = query.select {
                pairs.append_pair("$select", select);
            }
            pairs.append_pair("$top", &query.top.to_string());
            if let Some(Next { partition, row }) = query.from {
                pairs.append_pair("NextPartitionKey", partition);
                if let Some(row) = row {
                    pairs.append_pair("NextRowKey", row);
                }
            }
        }
        let answer = self.answer(request).await?;
        let body: Body = serde_json::from_slice(&answer.body).map_err(|_| Failure::Unreadable)?;
        Ok(Page { rows: body.value, next: next(&answer.headers)? })
    }
}

/// Where a query goes on. A place that cannot be read is a failure, and no end: rows would be missing without a word.
fn next(headers: &HeaderMap) -> Result<Option<Next>, Failure> {
    let text = |name: HeaderName| {
        let text = headers.get(name).map(|value| value.to_str().map(str::to_owned));
        text.transpose().map_err(|_| Failure::Unreadable)
    };
    match (text(NEXT_PARTITION)?, text(NEXT_ROW)?) {
        (None, None) => Ok(None),
        (Some(partition), row) => Ok(Some(Next { partition, row })),
        (None, Some(_)) => Err(Failure::Unreadable),
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn a_query_ends_where_no_place_is_named_and_nowhere_else() {
        let mut headers = HeaderMap::new();
        assert_eq!(next(&headers).expect("an end"), None);
        headers.insert(NEXT_PARTITION, HeaderValue::from_static("1!4!MDA-"));
        let partition = "1!4!MDA-".to_owned();
        assert_eq!(next(&headers).expect("a place"), Some(Next { partition: partition.clone(), row: None }));
        headers.insert(NEXT_ROW, HeaderValue::from_static("1!8!dXNlcjox"));
        let row = Some("1!8!dXNlcjox".to_owned());
        assert_eq!(next(&headers).expect("a place"), Some(Next { partition, row }));
        headers.insert(NEXT_ROW, HeaderValue::from_bytes(b"\xff").expect("a value"));
        assert!(matches!(next(&headers), Err(Failure::Unreadable)));
        headers.insert(NEXT_ROW, HeaderValue::from_static("1!8!dXNlcjox"));
        headers.remove(NEXT_PARTITION);
        assert!(matches!(next(&headers), Err(Failure::Unreadable)));
    }
}
