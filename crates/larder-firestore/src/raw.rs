//! The SDK's authenticated channel, for messages of our own.

use bytes::{Buf, BufMut, Bytes};
use gcloud_sdk::GoogleAuthMiddleware;
use gcloud_sdk::google::firestore::v1::{BatchWriteResponse, CommitResponse};
use gcloud_sdk::prost::Message;
use tonic::client::Grpc;
use tonic::codec::{DecodeBuf, Decoder, EncodeBuf, Encoder, Streaming};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Request, Status};

use crate::reply::Unreadable;

/// A client of Firestore's service: one HTTP/2 connection and the tokens for it.
pub(crate) struct Client(Grpc<GoogleAuthMiddleware>);

impl Client {
    pub(crate) fn new(service: GoogleAuthMiddleware) -> Self {
        Self(Grpc::new(service))
    }

    pub(crate) async fn commit(&mut self, request: Vec<u8>) -> Result<CommitResponse, Status> {
        self.one("/google.firestore.v1.Firestore/Commit", request).await
    }

    pub(crate) async fn batch_write(&mut self, request: Vec<u8>) -> Result<BatchWriteResponse, Status> {
        self.one("/google.firestore.v1.Firestore/BatchWrite", request).await
    }

    pub(crate) async fn batch_get_documents(&mut self, request: Vec<u8>) -> Result<Streaming<Bytes>, Status> {
        self.many("/google.firestore.v1.Firestore/BatchGetDocuments", request).await
    }

    pub(crate) async fn run_query(&mut self, request: Vec<u8>) -> Result<Streaming<Bytes>, Status> {
        self.many("/google.firestore.v1.Firestore/RunQuery", request).await
    }

    async fn one<M: Message + Default>(&mut self, path: &'static str, request: Vec<u8>) -> Result<M, Status> {
        self.ready().await?;
        let path = PathAndQuery::from_static(path);
        let reply = self.0.unary(Request::new(request), path, Codec).await?.into_inner();
        Ok(M::decode(reply).map_err(Unreadable::from)?)
    }

    async fn many(&mut self, path: &'static str, request: Vec<u8>) -> Result<Streaming<Bytes>, Status> {
        self.ready().await?;
        let path = PathAndQuery::from_static(path);
        Ok(self.0.server_streaming(Request::new(request), path, Codec).await?.into_inner())
    }

    async fn ready(&mut self) -> Result<(), Status> {
        self.0.ready().await.map_err(Status::from_error)
    }
}

/// Messages as the bytes that they are: whoever sends one has written it, and whoever gets one reads it.
struct Codec;

impl tonic::codec::Codec for Codec {
    type Encode = Vec<u8>;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Codec {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, message: Vec<u8>, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.reserve(message.len());
        into.put_slice(&message);
        Ok(())
    }
}

impl Decoder for Codec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}
