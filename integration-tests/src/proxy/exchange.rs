//! What is known of one request.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::fault::Fault;

/// One request of a client, and all that became of it. All times are microseconds since 1970.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    /// Its place in the log, from 0, in the order in which requests had arrived whole.
    pub sequence: u64,
    /// The connection that it came over, counted from 1.
    pub connection: u64,
    /// For DynamoDB what `x-amz-target` ends with, for gRPC what the path ends with, else the method of HTTP.
    pub operation: String,
    /// The method of HTTP.
    pub method: String,
    /// With the query.
    pub path: String,
    /// The header `authorization`.
    pub authorization: Option<String>,
    /// When it had arrived whole.
    pub received_at: u64,
    /// The body; in JSON as base64.
    #[serde(with = "super::bytes")]
    pub request: Vec<u8>,
    /// What was done to it.
    pub faults: Vec<Fault>,
    /// When it was passed on. `None`: the server has seen nothing of it, or not yet, while it is delayed.
    pub forwarded_at: Option<u64>,
    /// What the server replied.
    pub upstream: Option<Reply>,
    /// Why there is no reply, if it was not the proxy's doing.
    pub upstream_error: Option<String>,
    /// When the client was given a whole reply: the server's, or one that was made up. The client may have
    /// left just then.
    pub answered_at: Option<u64>,
    /// The times that it was passed on again.
    pub duplicates: Vec<Duplicate>,
}

/// A request that was passed on a second time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Duplicate {
    /// When.
    pub forwarded_at: u64,
    /// What the server replied.
    pub upstream: Option<Reply>,
    /// Why there is no reply.
    pub upstream_error: Option<String>,
}

/// What the server replied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// When it had arrived whole.
    pub received_at: u64,
    /// The status of HTTP.
    pub status: u16,
    /// Names are in lower case.
    pub headers: Vec<(String, String)>,
    /// In JSON as base64.
    #[serde(with = "super::bytes")]
    pub body: Vec<u8>,
    /// Names are in lower case.
    pub trailers: Vec<(String, String)>,
}

impl Exchange {
    /// Whether the server may have seen it.
    pub fn forwarded(&self) -> bool {
        self.forwarded_at.is_some() || !self.duplicates.is_empty()
    }

    /// Whether the client was given a whole reply.
    pub fn answered(&self) -> bool {
        self.answered_at.is_some()
    }

    /// Whether the server said that it did what was asked, the first time or the second.
    ///
    /// It may have done it without saying so, if it was [passed on](Self::forwarded) and there is no reply.
    pub fn applied(&self) -> bool {
        let replies = self.duplicates.iter().map(|duplicate| &duplicate.upstream);
        replies.chain([&self.upstream]).flatten().any(Reply::succeeded)
    }
}

impl Reply {
    /// The status of gRPC, which comes in the trailers, or with the headers if there is nothing else.
    pub fn grpc_status(&self) -> Option<i32> {
        let mut fields = self.trailers.iter().chain(&self.headers);
        fields.find(|(name, _)| name == "grpc-status").and_then(|(_, code)| code.parse().ok())
    }

    /// Whether it says that what was asked was done.
    pub fn succeeded(&self) -> bool {
        (200..300).contains(&self.status) && self.grpc_status().is_none_or(|code| code == 0)
    }
}

/// Now, as the log has it.
pub(super) fn now() -> u64 {
    // A clock before 1970 is not worth a failure.
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
}
