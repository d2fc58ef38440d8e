//! Groups of writes: an entity group transaction, which is all or nothing.
//!
//! Sent by hand on the transport: the SDK's own forgets which row an error is about, and gives an error as a success.

use std::fmt::Write as _;

use larder_core::driver::RowKey;
use larder_core::record::Register;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use smol_str::SmolStr;

use crate::client::{Client, quiet};
use crate::codec::{Entity, RowUrl, row_key};
use crate::error::{Failure, Refusal};
use crate::transport::{MINIMAL_METADATA, date};

/// The most rows of a group.
pub(crate) const MOST_ROWS: usize = 100;
/// The most bytes of a group's body, a little under the service's 4 MiB.
pub(crate) const MOST_BYTES: usize = 4 * 1024 * 1024 - 64 * 1024;
/// The most bytes of a row beside its value, its key, its register and the URL of the table.
const AROUND: usize = 576;
/// The most bytes of a register, as text.
const REGISTER: usize = 448;
/// What begins and ends a group.
const FRAME: usize = 256;

/// The body of a group, which is written row by row.
pub(crate) struct Group {
    id: u128,
    rows: usize,
    body: String,
    /// One row as JSON, whose length comes before it.
    row: String,
}

impl Group {
    /// A group whose rows take at most that many bytes together.
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        let (id, mut body) = (rand::random(), String::with_capacity(FRAME + bytes));
        let _ = write!(
            body,
            "--batch_{id:032x}\r\nContent-Type: multipart/mixed; boundary=changeset_{id:032x}\r\n\r\n"
        );
        Self { id, rows: 0, body, row: String::new() }
    }

    /// Adds what makes a row or replaces it, in the table with this URL.
    pub(crate) fn add(&mut self, url: &str, row: &RowKey, entity: &Entity<'_>) -> Result<(), Failure> {
        let unfit = |_| Failure::Unfit("the row cannot be written");
        self.row.clear();
        entity.write(&mut self.row).map_err(unfit)?;
        let json = &self.row;
        self.rows += 1;
        write!(
            self.body,
            "--changeset_{:032x}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n\
             PUT {} HTTP/1.1\r\n\
             Accept: {MINIMAL_METADATA}\r\nContent-Type: application/json\r\nDataServiceVersion: 3.0;\r\n\
             Content-Length: {}\r\n\r\n{json}\r\n",
            self.id,
            RowUrl(url, row),
            json.len(),
        )
        .map_err(unfit)
    }
}

/// The most bytes that a row takes of a group, in the table with this URL.
pub(crate) fn most_bytes(url: &str, row: &RowKey, value: &[u8], register: Option<&Register>) -> usize {
    let register = register.map_or(0, |_| REGISTER);
    AROUND + register + url.len() + 2 * row_key(&row.key).len() + value.len().div_ceil(3) * 4
}

impl Client {
    /// Sends a group; returns the ETags of its rows. All are applied, or none.
    pub(crate) async fn send_group(&self, group: Group) -> Result<Vec<SmolStr>, Failure> {
        let Group { id, rows, mut body, row: _ } = group;
        let _ = write!(body, "--changeset_{id:032x}--\r\n--batch_{id:032x}--\r\n");

        let mut request = self.request(Method::POST, "$batch")?;
        let content = HeaderValue::try_from(format!("multipart/mixed; boundary=batch_{id:032x}"));
        let content = content.map_err(|_| Failure::Unfit("a header has a forbidden character"))?;
        request.headers_mut().insert(CONTENT_TYPE, content);
        *request.body_mut() = Some(body.into());
        let answer = quiet(self.transport.send(request)).await?;
        if answer.status != 202 {
            return Err(Failure::Unreadable);
        }
        let outcomes = std::str::from_utf8(&answer.body).map(outcomes).unwrap_or_default();
        match &outcomes[..] {
            // One part stands for all: the row that could not be written.
            [Outcome { status: 300.., code, .. }, ..] => Err(Failure::Refused(Refusal {
                status: outcomes[0].status,
                code: code.map(str::to_owned),
                date: date(&answer.headers),
                ..Refusal::default()
            })),
            all if all.len() == rows => all
                .iter()
                .map(|part| match (part.status, part.etag) {
                    (204, Some(etag)) => Ok(etag.into()),
                    _ => Err(Failure::Unreadable),
                })
                .collect(),
            _ => Err(Failure::Unreadable),
        }
    }
}

/// What became of one row.
#[derive(Debug, Default, PartialEq)]
struct Outcome<'a> {
    status: u16,
    etag: Option<&'a str>,
    code: Option<&'a str>,
}

/// The outcomes in an answer: each begins with a status line of its own.
fn outcomes(body: &str) -> Vec<Outcome<'_>> {
    let mut outcomes: Vec<Outcome<'_>> = Vec::new();
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
            outcome.etag = Some(value.trim());
        } else if let Some((_, after)) = line.split_once("\"code\":\"") {
            let code = after.split('"').next().unwrap_or_default();
            let is_code = code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
            outcome.code = is_code.then_some(code);
        }
    }
    outcomes
}

#[cfg(test)]
mod tests {
    use larder_core::driver::Shard;
    use larder_core::record::{Applied, WriteStamp};
    use larder_core::{CanonicalKey, Expiry, MAX_KEY_BYTES, Timestamp};

    use super::*;

    const URL: &str = "http://127.0.0.1:10002/acme/cache";

    fn row(shard: Shard, key: &str) -> RowKey {
        RowKey { shard, key: CanonicalKey::from_canonical(key).expect("canonical") }
    }

    fn stamp() -> WriteStamp {
        let mut bytes: [u8; WriteStamp::LEN] = std::array::from_fn(|at| u8::try_from(at).expect("small"));
        bytes[16..].copy_from_slice(&1_767_225_600_123_u64.to_be_bytes());
        WriteStamp::from_bytes(&bytes)
    }

    #[test]
    fn a_row_stands_in_its_group_as_the_service_wants_it() {
        let (mut group, row) = (Group::with_capacity(0), row(Shard(10), "~27a"));
        let begin = group.body.len();
        let entity = Entity::put(&row, b"hello", Expiry::from_raw(1), stamp(), None);
        group.add(URL, &row, &entity).expect("it is JSON");
        let json =
            r#"{"PartitionKey":"0A","RowKey":"~27a","v":"aGVsbG8=","v@odata.type":"Edm.Binary","exp":"1","#
                .to_owned()
                + r#""exp@odata.type":"Edm.Int64","w":"AAECAwQFBgcICQoLDA0ODwAAAZt22qh7","w@odata.type":"Edm.Binary"}"#;
        let expected = format!(
            "--changeset_{:032x}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n\
             PUT http://127.0.0.1:10002/acme/cache(PartitionKey='0A',RowKey='~27a') HTTP/1.1\r\n\
             Accept: application/json;odata=minimalmetadata\r\nContent-Type: application/json\r\n\
             DataServiceVersion: 3.0;\r\nContent-Length: 186\r\n\r\n{json}\r\n",
            group.id
        );
        assert_eq!((&group.body[begin..], json.len()), (expected.as_str(), 186));
    }

    #[test]
    fn no_row_takes_more_bytes_than_it_was_counted_with() {
        let applied = Applied { stamp: stamp(), result: i64::MIN };
        let register = Register::from_history(vec![applied; Register::CAPACITY]);
        for length in [0, 1, 2, 3, 4, 1_000, 24_576] {
            let value = vec![0xff; length];
            for row in [row(Shard::SYSTEM, "!a"), row(Shard(15), &"~27".repeat(MAX_KEY_BYTES / 3))] {
                for register in [None, Some(&register)] {
                    for expires_at in [Expiry::NEVER, Expiry::at(Timestamp::from_millis(1))] {
                        let most = most_bytes(URL, &row, &value, register);
                        let mut group = Group::with_capacity(most);
                        let (begin, capacity) = (group.body.len(), group.body.capacity());
                        let entity = Entity::put(&row, &value, expires_at, stamp(), register);
                        group.add(URL, &row, &entity).expect("it is JSON");
                        let taken = group.body.len() - begin;
                        assert!(taken <= most && taken + 256 > most, "{taken} of {most}");
                        assert_eq!(group.body.capacity(), capacity, "it was made large enough");
                    }
                }
            }
        }
    }

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
        assert_eq!(etags, expected.map(|etag| (204, Some(etag))));
    }

    #[test]
    fn the_code_of_a_refused_group_is_read() {
        let body = "--batchresponse_1\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\n\r\n\
            {\"odata.error\":{\"code\":\"TableNotFound\",\"message\":{\"lang\":\"en-US\",\"value\":\"0:gone\"}}}\r\n";
        let expected = Outcome { status: 404, etag: None, code: Some("TableNotFound") };
        assert_eq!(outcomes(body), [expected]);
    }
}
