//! Groups of writes: an entity group transaction, which is all or nothing.
//!
//! Sent by hand on the transport: the SDK's own forgets which row an error is about, and gives an error as a success.

use std::fmt::Write as _;

use bytes::Bytes;
use larder_core::driver::RowKey;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderValue};

use crate::client::{Client, quiet};
use crate::codec::{Entity, partition, row_key};
use crate::error::{Failure, Refusal};
use crate::transport::{MINIMAL_METADATA, date};

/// The most rows of a group.
pub(crate) const MOST_ROWS: usize = 100;
/// The most bytes of a group's body, a little under the service's 4 MiB.
pub(crate) const MOST_BYTES: usize = 4 * 1024 * 1024 - 64 * 1024;

/// A row of a group, ready to be sent.
pub(crate) struct Part(String);

impl Part {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Client {
    /// What makes a row or replaces it, as a part of a group.
    pub(crate) fn part(&self, row: &RowKey, entity: &Entity) -> Result<Part, Failure> {
        let body = serde_json::to_string(entity).map_err(|_| Failure::Unfit("the row is no JSON"))?;
        // No canonical key holds a quote, or what a URL would have to escape.
        let url = format!(
            "{}/{}(PartitionKey='{}',RowKey='{}')",
            self.base.as_str().trim_end_matches('/'),
            self.table_name(),
            partition(row.shard),
            row_key(&row.key),
        );
        Ok(Part(format!(
            "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n\
             PUT {url} HTTP/1.1\r\nAccept: {MINIMAL_METADATA}\r\nContent-Type: application/json\r\n\
             DataServiceVersion: 3.0;\r\n\
             Content-Length: {}\r\n\r\n{body}\r\n",
            body.len(),
        )))
    }

    /// Sends a group; returns the ETags of its rows. All are applied, or none.
    pub(crate) async fn send_group(&self, parts: &[&Part]) -> Result<Vec<String>, Failure> {
        let id: u128 = rand::random();
        let mut body = String::with_capacity(parts.iter().map(|part| part.len() + 64).sum::<usize>() + 256);
        let _ = write!(
            body,
            "--batch_{id:032x}\r\nContent-Type: multipart/mixed; boundary=changeset_{id:032x}\r\n\r\n"
        );
        for part in parts {
            let _ = write!(body, "--changeset_{id:032x}\r\n{}", part.0);
        }
        let _ = write!(body, "--changeset_{id:032x}--\r\n--batch_{id:032x}--\r\n");

        let mut request = self.request(Method::POST, "$batch")?;
        let content = HeaderValue::try_from(format!("multipart/mixed; boundary=batch_{id:032x}"));
        let content = content.map_err(|_| Failure::Unfit("a header has a forbidden character"))?;
        request.headers_mut().insert(CONTENT_TYPE, content);
        *request.body_mut() = Some(Bytes::from(body).into());
        let answer = quiet(self.transport.send(request)).await?;
        if answer.status != 202 {
            return Err(Failure::Unreadable);
        }
        let outcomes = std::str::from_utf8(&answer.body).map(outcomes).unwrap_or_default();
        match &outcomes[..] {
            // One part stands for all: the row that could not be written.
            [Outcome { status: 300.., code, .. }, ..] => Err(Failure::Refused(Refusal {
                status: outcomes[0].status,
                code: code.clone(),
                date: date(&answer.headers),
                ..Refusal::default()
            })),
            all if all.len() == parts.len() => all
                .iter()
                .map(|part| match (part.status, &part.etag) {
                    (204, Some(etag)) => Ok(etag.clone()),
                    _ => Err(Failure::Unreadable),
                })
                .collect(),
            _ => Err(Failure::Unreadable),
        }
    }
}

/// What became of one row.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    status: u16,
    etag: Option<String>,
    code: Option<String>,
}

/// The outcomes in an answer: each begins with a status line of its own.
fn outcomes(body: &str) -> Vec<Outcome> {
    let mut outcomes: Vec<Outcome> = Vec::new();
    for line in body.lines() {
        if let Some(status) = line.strip_prefix("HTTP/1.1 ") {
            let status = status.split(' ').next().and_then(|status| status.parse().ok());
            outcomes.push(Outcome { status: status.unwrap_or_default(), ..Outcome::default() });
            continue;
        }
        let Some(outcome) = outcomes.last_mut() else { continue };
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("etag")
        {
            outcome.etag = Some(value.trim().to_owned());
        } else if let Some((_, after)) = line.split_once("\"code\":\"") {
            let code = after.split('"').next().unwrap_or_default();
            let is_code = code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
            outcome.code = is_code.then(|| code.to_owned());
        }
    }
    outcomes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_an_answer_is_read() {
        let body = "--batchresponse_1\r\nContent-Type: multipart/mixed; boundary=changesetresponse_1\r\n\r\n\
            --changesetresponse_1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n\
            HTTP/1.1 204 No Content\r\nETag: W/\"datetime'2026-01-01T00%3A00%3A00.1Z'\"\r\n\r\n\r\n\
            --changesetresponse_1\r\nContent-Type: application/http\r\n\r\n\
            HTTP/1.1 204 No Content\r\netag: W/\"b\"\r\n\r\n--changesetresponse_1--\r\n--batchresponse_1--\r\n";
        let etags: Vec<_> =
            outcomes(body).into_iter().map(|outcome| (outcome.status, outcome.etag)).collect();
        let expected = ["W/\"datetime'2026-01-01T00%3A00%3A00.1Z'\"", "W/\"b\""];
        assert_eq!(etags, expected.map(|etag| (204, Some(etag.to_owned()))));
    }

    #[test]
    fn the_code_of_a_refused_group_is_read() {
        let body = "--batchresponse_1\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\n\r\n\
            {\"odata.error\":{\"code\":\"TableNotFound\",\"message\":{\"lang\":\"en-US\",\"value\":\"0:gone\"}}}\r\n";
        let expected = Outcome { status: 404, etag: None, code: Some("TableNotFound".into()) };
        assert_eq!(outcomes(body), [expected]);
    }
}
