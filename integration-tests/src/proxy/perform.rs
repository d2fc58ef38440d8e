//! One exchange: from a request that is all there to how it ends for the client.

use std::sync::Arc;

use hyper::Response;
use hyper::header::{HeaderMap, HeaderValue};
use hyper::http::{request, response};
use tokio::time::sleep;

use super::body::Whole;
use super::exchange::{Duplicate, Reply, now};
use super::fault::{Answer, Fault};
use super::journal::{Entry, Journal, write};
use super::rulebook::Rulebook;
use super::upstream::{Message, Upstream};

/// What all connections share.
#[derive(Debug)]
pub(super) struct Proxy {
    pub(super) upstream: Upstream,
    pub(super) rules: Rulebook,
    pub(super) journal: Arc<Journal>,
}

/// How an exchange ends for the client.
#[derive(Debug)]
pub(super) enum Ending {
    /// With a reply.
    Reply(Response<Whole>),
    /// With a reply that breaks off.
    Cut(Response<Whole>),
    /// With the end of its stream, or of a connection that has no streams.
    Stream(h2::Reason),
    /// The same, and it shall be seen as an error also without streams.
    Reset(h2::Reason),
    /// With the end of its connection.
    Connection,
    /// Not at all.
    Never,
}

/// Passes a request on and comes back with how it ends, or does what the faults say.
///
/// Nobody may abort this: what the client gives up is not undone at the server.
pub(super) async fn perform(proxy: Arc<Proxy>, entry: Entry, request: Message<request::Parts>) -> Ending {
    let request = Arc::new(request);
    let faults = write(&entry).faults.clone();
    for fault in &faults {
        if let Fault::DelayRequest(delay) = fault {
            sleep(*delay).await;
        }
    }
    let ending = match faults.iter().find_map(instead) {
        Some(ending) => ending,
        None => {
            let reply = forward(&proxy, &entry, &request).await;
            let changed = faults.iter().find_map(|fault| afterwards(fault, reply.as_ref()));
            changed.unwrap_or_else(|| relay(reply))
        }
    };
    for fault in &faults {
        if let Fault::Duplicate(after) = *fault {
            let ticket = proxy.journal.ticket();
            let (proxy, entry, request) = (Arc::clone(&proxy), Arc::clone(&entry), Arc::clone(&request));
            tokio::spawn(async move {
                sleep(after).await;
                repeat(&proxy, &entry, &request).await;
                drop(ticket);
            });
        }
    }
    for fault in &faults {
        if let Fault::DelayReply(delay) = fault {
            sleep(*delay).await;
        }
    }
    ending
}

/// How it ends, if the request is not passed on.
fn instead(fault: &Fault) -> Option<Ending> {
    match fault {
        Fault::DropRequest => Some(Ending::Connection),
        Fault::Reset { code } => Some(Ending::Reset((*code).into())),
        Fault::Answer(answer) => Some(made_up(answer)),
        _ => None,
    }
}

/// How it ends, if not with the server's reply.
fn afterwards(fault: &Fault, reply: Option<&Message<response::Parts>>) -> Option<Ending> {
    match fault {
        Fault::DropReply => Some(Ending::Stream(h2::Reason::INTERNAL_ERROR)),
        Fault::DropConnection => Some(Ending::Connection),
        Fault::WithholdReply => Some(Ending::Never),
        Fault::AnswerAfter(answer) => Some(made_up(answer)),
        Fault::CutReply { keep } => reply.map(|reply| {
            // Of nothing there is nothing to cut.
            let is_empty = reply.data.is_empty() && reply.trailers.is_none();
            match is_empty {
                true => Ending::Stream(h2::Reason::INTERNAL_ERROR),
                false => Ending::Cut(response(reply).map(|body| body.cut(*keep))),
            }
        }),
        _ => None,
    }
}

fn made_up(answer: &Answer) -> Ending {
    // The rulebook takes no answer that cannot be sent.
    answer.response().map_or(Ending::Stream(h2::Reason::INTERNAL_ERROR), Ending::Reply)
}

/// The server's reply, or what it looks like when it has none.
fn relay(reply: Option<Message<response::Parts>>) -> Ending {
    reply.map_or(Ending::Stream(h2::Reason::INTERNAL_ERROR), |reply| Ending::Reply(response(&reply)))
}

fn response(reply: &Message<response::Parts>) -> Response<Whole> {
    let mut response = Response::new(reply.body());
    *response.status_mut() = reply.head.status;
    *response.headers_mut() = reply.head.headers.clone();
    response
}

/// Passes a request on, and logs what came of it.
async fn forward(
    proxy: &Proxy,
    entry: &Entry,
    request: &Message<request::Parts>,
) -> Option<Message<response::Parts>> {
    write(entry).forwarded_at = Some(now());
    match proxy.upstream.send(request).await {
        Ok(reply) => {
            proxy.journal.count(entry, |count| count.forwarded += 1);
            write(entry).upstream = Some(logged(&reply));
            Some(reply)
        }
        Err(error) => {
            if error.reached {
                proxy.journal.count(entry, |count| count.forwarded += 1);
            } else {
                write(entry).forwarded_at = None;
            }
            write(entry).upstream_error = Some(error.reason);
            None
        }
    }
}

/// Passes a request on once more, and logs that too.
async fn repeat(proxy: &Proxy, entry: &Entry, request: &Message<request::Parts>) {
    let mut duplicate = Duplicate { forwarded_at: now(), upstream: None, upstream_error: None };
    match proxy.upstream.send(request).await {
        Ok(reply) => duplicate.upstream = Some(logged(&reply)),
        Err(error) => duplicate.upstream_error = Some(error.reason),
    }
    proxy.journal.count(entry, |count| {
        count.forwarded += 1;
        count.duplicates += 1;
    });
    write(entry).duplicates.push(duplicate);
}

fn logged(reply: &Message<response::Parts>) -> Reply {
    Reply {
        received_at: now(),
        status: reply.head.status.as_u16(),
        headers: fields(&reply.head.headers),
        body: reply.data.to_vec(),
        trailers: reply.trailers.as_ref().map(fields).unwrap_or_default(),
    }
}

fn fields(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect()
}
