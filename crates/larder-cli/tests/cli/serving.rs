//! `larder serve` as a process, and requests to it by hand.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, ExitStatus};

use crate::support::Shell;

/// A gateway that runs; killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Serving {
    process: Child,
    pub(crate) address: SocketAddr,
    /// Where operators ask, if it was told to listen there.
    pub(crate) admin: Option<SocketAddr>,
    /// What it said of itself.
    pub(crate) said: serde_json::Value,
}

/// How a gateway ended, and what it had said on stderr.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) errors: String,
}

impl Serving {
    /// Starts `larder serve` on a free port with more arguments, and waits until it listens.
    #[track_caller]
    pub(crate) fn start(shell: &Shell, arguments: &[&str]) -> Self {
        Self::of(shell.start(&[&["serve", "--output", "json"], arguments].concat()))
    }

    /// The same for a gateway that was started, and says what it says as JSON.
    #[track_caller]
    pub(crate) fn of(mut process: Child) -> Self {
        let mut line = String::new();
        let stdout = process.stdout.as_mut().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("it can be read");
        if line.is_empty() {
            let ended = process.wait_with_output().expect("it ends");
            panic!("it did not start: {}", String::from_utf8_lossy(&ended.stderr));
        }
        let said: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        let address = |name: &str| {
            said[name].as_str().map(|url| {
                let (_, address) = url.split_once("://").expect("a URL");
                address.parse().expect("an address")
            })
        };
        Self { process, address: address("listening").expect("an address"), admin: address("admin"), said }
    }

    /// Sends a request on a connection of its own.
    pub(crate) fn ask(&self, line: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
        ask(self.address, line, headers, body)
    }

    /// Its process.
    #[cfg(target_os = "linux")]
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Asks it to end, as those do who run it.
    pub(crate) fn terminate(&self) {
        let kill = Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status();
        assert!(kill.expect("kill runs").success());
    }

    /// Waits until it has ended.
    pub(crate) fn ended(mut self) -> Ended {
        let mut errors = String::new();
        let stderr = self.process.stderr.as_mut().expect("a pipe");
        // First: who writes more than fits in a pipe waits for its reader.
        stderr.read_to_string(&mut errors).expect("text");
        let status = self.process.wait().expect("it ends");
        Ended { status, errors }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Sends a request on a connection of its own; returns the status and the body.
pub(crate) fn ask(address: SocketAddr, line: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
    let (head, body) = exchange(address, line, headers, body);
    let status = head.split(' ').nth(1).expect("a status");
    (status.parse().expect("a number"), body)
}

/// The same for the head of the answer, every line with its end.
pub(crate) fn head(address: SocketAddr, line: &str, headers: &[(&str, &str)]) -> String {
    exchange(address, line, headers, "").0
}

fn exchange(address: SocketAddr, line: &str, headers: &[(&str, &str)], body: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).expect("a connection");
    let mut text = format!("{line} HTTP/1.1\r\nConnection: close\r\n");
    if !headers.iter().any(|(name, _)| *name == "Host") {
        text.push_str(&format!("Host: {address}\r\n"));
    }
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    stream.write_all(text.as_bytes()).expect("it is sent");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("an answer");
    let (head, body) = reply.split_once("\r\n\r\n").expect("a head");
    (format!("{head}\r\n"), body.to_owned())
}

/// Begins a request that will never be whole.
pub(crate) fn begin(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("a connection");
    let head = format!(
        "POST /v1/operations/data HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
         Content-Length: 100\r\nExpect: 100-continue\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("it is sent");
    // The gateway waits for the rest.
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).expect("it is told to go on");
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}
