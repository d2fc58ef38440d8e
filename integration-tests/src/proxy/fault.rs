//! What can be done to a request and to its reply.

use std::time::Duration;

use hyper::Response;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::body::Whole;

/// What is done to one exchange. A rule can do several: see [`Rule::with`](super::Rule::with).
///
/// On HTTP/1.1 a stream is its connection, so that what breaks a stream breaks the connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The request waits this long before it is passed on, and is passed on even if the client has left by
    /// then.
    DelayRequest(Duration),
    /// The server's reply, or what is told instead of it, waits this long.
    DelayReply(Duration),
    /// Not passed on; the connection is closed, with all its streams.
    DropRequest,
    /// Not passed on; only the stream is reset, with this error code of HTTP/2. On HTTP/1.1 the connection is
    /// reset.
    Reset {
        /// As in RFC 9113, section 7.
        code: u32,
    },
    /// Not passed on; this is the reply.
    Answer(Answer),
    /// Passed on; the reply is lost, and only the stream ends: reset with `INTERNAL_ERROR`, or the connection
    /// closed.
    DropReply,
    /// Passed on; the reply is lost, and the connection is closed, with all its streams.
    DropConnection,
    /// Passed on; nothing comes back until the client gives up.
    WithholdReply,
    /// Passed on; this is the reply all the same.
    AnswerAfter(Answer),
    /// Passed on; of the reply's body so many bytes come back under the headers of the whole, then the stream
    /// breaks.
    CutReply {
        /// At most all bytes but one, so that it never is whole.
        keep: usize,
    },
    /// So long after the server's reply the same bytes are passed on once more. With a fault by which the
    /// request is not passed on, that is the only time: the request was lost on its way, and found again.
    Duplicate(Duration),
}

impl Fault {
    /// Resets the stream with `INTERNAL_ERROR`, which says nothing about what was done.
    pub fn reset() -> Self {
        Self::Reset { code: h2::Reason::INTERNAL_ERROR.into() }
    }

    /// Resets the stream with `REFUSED_STREAM`, which promises that nothing was done.
    pub fn refuse() -> Self {
        Self::Reset { code: h2::Reason::REFUSED_STREAM.into() }
    }
}

/// A reply that the proxy makes up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The status of HTTP.
    pub status: u16,
    /// In the order in which they are sent.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// In JSON as base64.
    #[serde(default, with = "super::bytes")]
    pub body: Vec<u8>,
}

impl Answer {
    /// Nothing but a status.
    pub fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// An error of DynamoDB: `ProvisionedThroughputExceededException` with the status 400, say.
    pub fn dynamodb(status: u16, exception: &str, message: &str) -> Self {
        let kind = format!("com.amazonaws.dynamodb.v20120810#{exception}");
        Self::status(status)
            .header(CONTENT_TYPE.as_str(), "application/x-amz-json-1.0")
            .body(json!({ "__type": kind, "message": message }).to_string())
    }

    /// An error of Azure Tables: `ServerBusy` with the status 503, say.
    pub fn tables(status: u16, code: &str) -> Self {
        Self::status(status)
            .header(CONTENT_TYPE.as_str(), "application/json")
            .header("x-ms-error-code", code)
            .body(json!({ "odata.error": { "code": code } }).to_string())
    }

    /// A problem of Larder's gateway: `RATE_LIMITED` with the status 429, say.
    pub fn gateway(status: u16, code: &str) -> Self {
        let problem = json!({
            "error": code, "message": "made up", "statusCode": status, "validationErrors": [], "requestId": "0",
        });
        Self::status(status).header(CONTENT_TYPE.as_str(), "application/json").body(problem.to_string())
    }

    /// An error of gRPC, without a message of the call: the status travels with the headers. The text is
    /// ASCII.
    pub fn grpc(code: i32, message: &str) -> Self {
        Self::status(200)
            .header(CONTENT_TYPE.as_str(), "application/grpc")
            .header("grpc-status", &code.to_string())
            .header("grpc-message", message)
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// As it is sent. Fails, if HTTP has no such status or header.
    pub(super) fn response(&self) -> Result<Response<Whole>, String> {
        let mut response = Response::builder().status(self.status);
        for (name, value) in &self.headers {
            response = response.header(name, value);
        }
        if !self.body.is_empty() {
            response = response.header(CONTENT_LENGTH, self.body.len());
        }
        let body = Whole::new(self.body.clone().into(), None);
        response.body(body).map_err(|error| format!("cannot be sent as an answer: {error}"))
    }
}
