//! The SDK's authenticated channel, for messages of our own.
//!
//! tonic's client sends the end of a request behind it, in a frame of its own. Here the message's last frame has both, which is
//! one less to make, to send and to read for every request. What comes back is read by tonic.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use gcloud_sdk::GoogleAuthMiddleware;
use gcloud_sdk::google::firestore::v1::{BatchWriteResponse, CommitResponse};
use gcloud_sdk::prost::Message;
use http_body::Frame;
use tonic::body::Body;
use tonic::client::GrpcService;
use tonic::codec::{BufferSettings, DecodeBuf, Decoder, Streaming};
use tonic::codegen::http::header::{CONTENT_TYPE, HeaderMap, HeaderValue, TE};
use tonic::codegen::http::{Method, Request, Uri, Version};
use tonic::{Code, Status};

use crate::message::Framed;
use crate::reply::Unreadable;

/// What comes back, mostly.
#[derive(Clone, Copy)]
pub(crate) enum Replies {
    /// One short message, mostly: allocators have to look for a buffer of tonic's 8 KiB. One that is longer has one made.
    Short,
    /// Many messages, or a long one. Each buffer of them is as large as the first, at least.
    Long,
}

/// A client of Firestore's service: one HTTP/2 connection and the tokens for it.
pub(crate) struct Client(GoogleAuthMiddleware);

impl Client {
    pub(crate) fn new(service: GoogleAuthMiddleware) -> Self {
        Self(service)
    }

    pub(crate) async fn commit(&mut self, request: Framed) -> Result<CommitResponse, Status> {
        self.one("/google.firestore.v1.Firestore/Commit", request, Replies::Short).await
    }

    pub(crate) async fn batch_write(&mut self, request: Framed) -> Result<BatchWriteResponse, Status> {
        self.one("/google.firestore.v1.Firestore/BatchWrite", request, Replies::Long).await
    }

    pub(crate) async fn batch_get_documents(
        &mut self,
        request: Framed,
        replies: Replies,
    ) -> Result<Streaming<Bytes>, Status> {
        self.many("/google.firestore.v1.Firestore/BatchGetDocuments", request, replies).await
    }

    pub(crate) async fn run_query(&mut self, request: Framed) -> Result<Streaming<Bytes>, Status> {
        self.many("/google.firestore.v1.Firestore/RunQuery", request, Replies::Long).await
    }

    /// Asks for one message.
    async fn one<M: Message + Default>(
        &mut self,
        path: &'static str,
        request: Framed,
        replies: Replies,
    ) -> Result<M, Status> {
        let mut replies = self.many(path, request, replies).await?;
        let reply = replies.message().await?.ok_or_else(|| Status::internal("there is no reply"))?;
        // How the request ended comes behind it.
        replies.trailers().await?;
        Ok(M::decode(reply).map_err(Unreadable::from)?)
    }

    /// Asks for any number of messages.
    async fn many(
        &mut self,
        path: &'static str,
        request: Framed,
        replies: Replies,
    ) -> Result<Streaming<Bytes>, Status> {
        let service = &mut self.0;
        poll_fn(|context| GrpcService::poll_ready(service, context)).await.map_err(Status::from_error)?;
        let request = post(path, request);
        let reply = GrpcService::call(service, request).await.map_err(Status::from_error)?;
        let http = reply.status();
        let (head, body) = reply.into_parts();
        match Status::from_header_map(&head.headers) {
            None if is_encoded(&head.headers) => Err(Status::unimplemented("no encoding was asked for")),
            None => Ok(Streaming::new_response(Whole(replies), body, http, None, None)),
            // It has ended, with nothing behind the headers.
            Some(status) if status.code() == Code::Ok => Ok(Streaming::new_empty(Whole(replies), body)),
            Some(status) => Err(status),
        }
    }
}

fn is_encoded(headers: &HeaderMap) -> bool {
    headers.get("grpc-encoding").is_some_and(|encoding| encoding != "identity")
}

fn post(path: &'static str, request: Framed) -> Request<Body> {
    let mut headers = HeaderMap::with_capacity(HEADERS);
    headers.insert(TE, HeaderValue::from_static("trailers"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    let mut post = Request::new(Body::new(Once(Some(request.into_bytes()))));
    *post.method_mut() = Method::POST;
    *post.version_mut() = Version::HTTP_2;
    // The channel puts the server before it.
    *post.uri_mut() = Uri::from_static(path);
    *post.headers_mut() = headers;
    post
}

/// The two of gRPC, and what the SDK and the channel add to them.
const HEADERS: usize = 8;

/// A body in one piece, with which it ends.
struct Once(Option<Bytes>);

impl http_body::Body for Once {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }
}

/// Messages as the bytes that they are: whoever gets one reads it.
struct Whole(Replies);

impl Decoder for Whole {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }

    fn buffer_settings(&self) -> BufferSettings {
        match self.0 {
            // The second number is for requests.
            Replies::Short => BufferSettings::new(512, 0),
            Replies::Long => BufferSettings::default(),
        }
    }
}
