//! A client that holds one connection, and tells how it broke.

use std::error::Error;
use std::io;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::server::PATIENCE;

/// DynamoDB over HTTP/1.1, or gRPC over HTTP/2.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Protocol {
    DynamoDb,
    Grpc,
}

pub(crate) const BOTH: [Protocol; 2] = [Protocol::DynamoDb, Protocol::Grpc];

/// A reply.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    pub(crate) trailers: HeaderMap,
}

/// How a call failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Broken {
    /// The connection ended.
    Closed,
    /// The connection was reset.
    Reset,
    /// The stream was reset, with this code.
    Stream(u32),
    /// The reply broke off after this.
    After(String, Box<Broken>),
}

/// One connection.
#[derive(Debug)]
pub(crate) enum Client {
    DynamoDb(http1::SendRequest<Full<Bytes>>),
    Grpc(http2::SendRequest<Full<Bytes>>),
}

impl Client {
    pub(crate) async fn connect(protocol: Protocol, url: &str) -> Self {
        let stream = TcpStream::connect(url.strip_prefix("http://").expect("it is plain HTTP"))
            .await
            .expect("somebody listens");
        stream.set_nodelay(true).expect("it is TCP");
        let stream = TokioIo::new(stream);
        match protocol {
            Protocol::DynamoDb => {
                let (sender, connection) = http1::handshake(stream).await.expect("a connection");
                tokio::spawn(connection);
                Self::DynamoDb(sender)
            }
            Protocol::Grpc => {
                let (sender, connection) =
                    http2::handshake(TokioExecutor::new(), stream).await.expect("a connection");
                tokio::spawn(connection);
                Self::Grpc(sender)
            }
        }
    }

    /// A second user of the same connection, which only HTTP/2 can have.
    pub(crate) fn share(&self) -> Self {
        match self {
            Self::DynamoDb(_) => panic!("HTTP/1.1 has no streams"),
            Self::Grpc(sender) => Self::Grpc(sender.clone()),
        }
    }

    /// Asks for an operation, and waits for how it ends.
    pub(crate) async fn call(&mut self, operation: &str, body: &str) -> Result<Got, Broken> {
        let ends = async { got(self.send(operation, body).await?).await };
        timeout(PATIENCE, ends).await.expect("the call ends")
    }

    async fn send(&mut self, operation: &str, body: &str) -> Result<Response<Incoming>, Broken> {
        let body = Full::from(body.to_owned());
        let request = Request::post(match self {
            Self::DynamoDb(_) => "/".to_owned(),
            Self::Grpc(_) => format!("http://firestore/google.firestore.v1.Firestore/{operation}"),
        });
        let reply = match self {
            Self::DynamoDb(sender) => {
                sender.ready().await.map_err(|error| broken(&error))?;
                let target = format!("DynamoDB_20120810.{operation}");
                let request = request.header(HOST, "dynamodb").header("x-amz-target", target);
                sender.send_request(request.body(body).expect("a request")).await
            }
            Self::Grpc(sender) => {
                sender.ready().await.map_err(|error| broken(&error))?;
                let request = request.header(CONTENT_TYPE, "application/grpc").header("te", "trailers");
                sender.send_request(request.body(body).expect("a request")).await
            }
        };
        reply.map_err(|error| broken(&error))
    }
}

async fn got(reply: Response<Incoming>) -> Result<Got, Broken> {
    let (head, mut stream) = reply.into_parts();
    let (mut body, mut trailers) = (String::new(), HeaderMap::new());
    while let Some(frame) = stream.frame().await {
        let frame = frame.map_err(|error| Broken::After(body.clone(), Box::new(broken(&error))))?;
        match frame.into_data() {
            Ok(data) => body.push_str(std::str::from_utf8(&data).expect("text")),
            Err(frame) => trailers = frame.into_trailers().expect("trailers"),
        }
    }
    Ok(Got { status: head.status.as_u16(), headers: head.headers, body, trailers })
}

/// What an error comes from, at the bottom.
fn broken(error: &hyper::Error) -> Broken {
    let mut causes = std::iter::successors(Some(error as &(dyn Error + 'static)), |&error| error.source());
    causes
        .find_map(|cause| {
            if let Some(stream) = cause.downcast_ref::<h2::Error>() {
                return stream
                    .is_reset()
                    .then(|| Broken::Stream(stream.reason().expect("a reset has a code").into()));
            }
            let kind = cause.downcast_ref::<io::Error>()?.kind();
            (kind == io::ErrorKind::ConnectionReset).then_some(Broken::Reset)
        })
        .unwrap_or(Broken::Closed)
}
