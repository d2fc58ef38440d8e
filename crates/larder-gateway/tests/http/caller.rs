//! A caller that speaks HTTP/1.1 by hand, on one connection.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longer than anything takes here.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Caller {
    stream: TcpStream,
    host: String,
    /// The head that was read last.
    head: String,
}

impl Caller {
    /// Connects to a gateway, and says nothing yet.
    pub(crate) async fn connect(base: &str) -> Self {
        let host = base.strip_prefix("http://").expect("an address").to_owned();
        let stream = TcpStream::connect(&host).await.expect("a connection");
        Self { stream, host, head: String::new() }
    }

    /// Sends the head of a request, and none of its body. The headers are lines, without an end of the last one.
    pub(crate) async fn ask(&mut self, line: &str, headers: &str) {
        let end = if headers.is_empty() { "\r\n" } else { "\r\n\r\n" };
        self.send(format!("{line} HTTP/1.1\r\nHost: {}\r\n{headers}{end}", self.host).as_bytes()).await;
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("it is sent");
    }

    /// Waits until the first bytes of an answer are there, and reads none.
    pub(crate) async fn is_answered(&self) {
        let read = timeout(PATIENCE, self.stream.peek(&mut [0])).await;
        assert_eq!(read.expect("somebody answers").expect("it is not cut off"), 1);
    }

    /// Reads the head that comes next; fails unless it has this status.
    pub(crate) async fn is(&mut self, status: &str) {
        let mut head = Vec::new();
        let read = async {
            while !head.ends_with(b"\r\n\r\n") {
                head.push(self.stream.read_u8().await.expect("a whole head"));
            }
        };
        timeout(PATIENCE, read).await.expect("somebody answers");
        self.head = String::from_utf8(head).expect("text");
        assert!(self.head.starts_with(&format!("HTTP/1.1 {status}")), "{}", self.head);
    }

    /// A header of the head that was read last.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().filter_map(|line| line.split_once(": "));
        headers.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The body behind that head. The connection stands.
    pub(crate) async fn answer(&mut self) -> String {
        let length = self.header("content-length").expect("a length").parse().expect("a number");
        let mut body = vec![0; length];
        let read = timeout(PATIENCE, self.stream.read_exact(&mut body)).await;
        read.expect("it comes").expect("it is not cut off");
        String::from_utf8(body).expect("text")
    }

    /// All that is left to read. The connection ends.
    pub(crate) async fn rest(&mut self) -> String {
        let mut rest = String::new();
        let read = timeout(PATIENCE, self.stream.read_to_string(&mut rest)).await;
        read.expect("it ends").expect("it is not cut off");
        rest
    }
}
