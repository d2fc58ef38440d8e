//! A server that gives every request the same answer.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// Starts a server on a free loopback port that answers as told until the runtime ends; returns its URL, and how many
/// requests it has answered.
///
/// # Panics
///
/// When there is no free port.
pub async fn answering(status: StatusCode, body: String) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let count = Arc::new(AtomicUsize::new(0));
    let (counted, body) = (Arc::clone(&count), Bytes::from(body));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (counted, body) = (Arc::clone(&counted), body.clone());
            let answer = service_fn(move |request: Request<Incoming>| {
                let (counted, body) = (Arc::clone(&counted), body.clone());
                async move {
                    // Read to its end, so that the connection can be used again.
                    let _ = request.into_body().collect().await;
                    counted.fetch_add(1, Ordering::SeqCst);
                    let mut response = Response::new(Full::new(body));
                    *response.status_mut() = status;
                    Ok::<_, Infallible>(response)
                }
            });
            tokio::spawn(async move {
                // A client that goes away is its own affair.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
            });
        }
    });
    (url, count)
}
