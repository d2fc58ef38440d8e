//! `Expect: 100-continue`: who asks first sends a body only if somebody wants it.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::Server;

const ENTRY: &str = "PUT /v1/kv/main/entry?key=k";
/// One byte more than the route takes.
const TOO_LARGE: usize = 64 * 1024 + 1;

/// A caller that speaks HTTP by hand.
struct Caller(TcpStream);

impl Caller {
    /// Sends the head of a request, and none of its body.
    async fn ask(server: &Server, line: &str, headers: &str) -> Self {
        let address = server.base().strip_prefix("http://").expect("an address");
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        let head = format!(
            "{line} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nExpect: 100-continue\r\n{headers}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.expect("it is sent");
        Self(stream)
    }

    async fn send(&mut self, body: &[u8]) {
        self.0.write_all(body).await.expect("it is sent");
    }

    /// The status line that comes next, with the head that it begins.
    async fn head(&mut self) -> String {
        let mut head = Vec::new();
        let read = async {
            while !head.ends_with(b"\r\n\r\n") {
                head.push(self.0.read_u8().await.expect("a whole head"));
            }
        };
        timeout(Duration::from_secs(30), read).await.expect("somebody answers");
        String::from_utf8(head).expect("text")
    }

    /// Fails unless this comes next.
    async fn is(&mut self, status: &str) {
        let head = self.head().await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{head}");
    }

    /// The rest of the last answer, to the end of the connection.
    async fn body(&mut self) -> String {
        let mut body = String::new();
        let read = self.0.read_to_string(&mut body);
        timeout(Duration::from_secs(30), read).await.expect("it ends").expect("it is not cut off");
        body
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_wanted_is_asked_for() {
    let server = Server::start().await;
    let mut caller = Caller::ask(&server, ENTRY, "Content-Length: 5").await;
    caller.is("100 Continue").await;
    caller.send(b"hello").await;
    caller.is("200 OK").await;
    assert_eq!(server.get("/v1/kv/main/entry?key=k").await.bytes, b"hello");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_is_refused_before_it_is_sent() {
    let server = Server::start().await;
    for (line, headers) in [
        (ENTRY, format!("Content-Length: {TOO_LARGE}")),
        (
            "POST /v1/operations/data",
            "Content-Type: application/json\r\nContent-Length: 1073741824".to_owned(),
        ),
    ] {
        let mut caller = Caller::ask(&server, line, &headers).await;
        caller.is("413 ").await;
        let body = caller.body().await;
        assert!(body.contains("PAYLOAD_TOO_LARGE"), "{body}");
    }
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_turns_out_to_be_too_large_is_refused_when_it_was_sent() {
    let server = Server::start().await;
    let mut caller = Caller::ask(&server, ENTRY, "Transfer-Encoding: chunked").await;
    caller.is("100 Continue").await;
    let chunk = [format!("{TOO_LARGE:x}\r\n").as_bytes(), &[b'x'; TOO_LARGE], b"\r\n0\r\n\r\n"].concat();
    caller.send(&chunk).await;
    caller.is("413 ").await;
    let body = caller.body().await;
    assert!(body.contains("PAYLOAD_TOO_LARGE"), "{body}");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_refused_for_something_else_is_so_before_its_body_is_sent() {
    let server = Server::start().await;
    for (line, status) in [
        ("POST /v1/operations/data", "415 "),
        ("PUT /v1/nowhere", "404 "),
        ("PUT /v1/operations/data", "405 "),
    ] {
        let mut caller = Caller::ask(&server, line, "Content-Length: 5").await;
        caller.is(status).await;
        caller.body().await;
    }
    server.end().await;
}
