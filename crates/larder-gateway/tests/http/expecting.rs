//! `Expect: 100-continue`: who asks first sends a body only if somebody wants it.

use crate::caller::Caller;
use crate::support::Server;

const ENTRY: &str = "PUT /v1/kv/main/entry?key=k";
const DATA: &str = "POST /v1/operations/data";
const JSON: &str = "Content-Type: application/json";
/// One byte more than the route takes.
const TOO_LARGE: usize = 64 * 1024 + 1;
/// More bytes than connections hold on their way, and as many as anybody takes for nothing.
const MUCH: usize = 4 * 1024 * 1024;

/// Asks for leave to send a body.
async fn ask(server: &Server, line: &str, headers: &str) -> Caller {
    let mut caller = Caller::connect(server.base()).await;
    caller.ask(line, &format!("Expect: 100-continue\r\n{headers}")).await;
    caller
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_wanted_is_asked_for_and_the_connection_goes_on() {
    let server = Server::start().await;
    let mut caller = Caller::connect(server.base()).await;
    for value in ["hello", "world"] {
        caller.ask(ENTRY, "Expect: 100-continue\r\nContent-Length: 5").await;
        caller.is("100 Continue").await;
        caller.send(value.as_bytes()).await;
        caller.is("200 OK").await;
        caller.answer().await;
        // What asks nothing first is served as well.
        caller.ask("GET /v1/kv/main/entry?key=k", "").await;
        caller.is("200 OK").await;
        assert_eq!(caller.answer().await, value);
    }
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_is_refused_before_it_is_sent() {
    let server = Server::start().await;
    for (line, headers) in [
        (ENTRY, format!("Content-Length: {TOO_LARGE}")),
        (DATA, format!("{JSON}\r\nContent-Length: 1073741824")),
    ] {
        let mut caller = ask(&server, line, &headers).await;
        caller.is("413 ").await;
        let body = caller.rest().await;
        assert!(body.contains("PAYLOAD_TOO_LARGE"), "{body}");
    }
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_turns_out_to_be_too_large_is_refused_when_it_was_sent() {
    let server = Server::start().await;
    let mut caller = ask(&server, ENTRY, "Connection: close\r\nTransfer-Encoding: chunked").await;
    caller.is("100 Continue").await;
    let chunk = [format!("{TOO_LARGE:x}\r\n").as_bytes(), &[b'x'; TOO_LARGE], b"\r\n0\r\n\r\n"].concat();
    caller.send(&chunk).await;
    caller.is("413 ").await;
    let body = caller.rest().await;
    assert!(body.contains("PAYLOAD_TOO_LARGE"), "{body}");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_refused_for_something_else_is_so_before_its_body_is_sent() {
    let server = Server::start().await;
    for (line, status) in [(DATA, "415 "), ("PUT /v1/nowhere", "404 "), ("PUT /v1/operations/data", "405 ")] {
        let mut caller = ask(&server, line, "Content-Length: 5").await;
        caller.is(status).await;
        // Nobody could tell a body that comes all the same from the next request.
        assert_eq!(caller.header("connection"), Some("close"));
        caller.rest().await;
    }
    server.end().await;
}

/// As many programs do that wait for a second, and send then.
#[tokio::test(flavor = "multi_thread")]
async fn who_sends_without_leave_is_told_why_it_was_refused() {
    let server = Server::start().await;
    for (line, status) in [(DATA, "415 "), ("PUT /v1/nowhere", "404 ")] {
        let mut caller = ask(&server, line, &format!("Content-Length: {MUCH}")).await;
        caller.is_answered().await;
        caller.send(&vec![b' '; MUCH]).await;
        caller.is(status).await;
        caller.rest().await;
    }
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_wait_at_all_is_told_why_it_was_refused() {
    let server = Server::start().await;
    for (line, status) in [(DATA, "415 "), ("PUT /v1/nowhere", "404 ")] {
        let mut caller = ask(&server, line, &format!("Content-Length: {MUCH}")).await;
        caller.send(&vec![b' '; MUCH]).await;
        caller.is(status).await;
        caller.rest().await;
    }
    server.end().await;
}

/// It may say so all the same, and nobody may wait for it.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_asked_of_http_1_0() {
    let server = Server::start().await;
    let mut caller = Caller::connect(server.base()).await;
    let head = format!(
        "PUT /v1/nowhere HTTP/1.0\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: {MUCH}\r\n\r\n"
    );
    caller.send(head.as_bytes()).await;
    caller.send(&vec![b' '; MUCH]).await;
    let answer = caller.rest().await;
    assert!(answer.starts_with("HTTP/1.0 404 "), "{answer}");
    server.end().await;
}
