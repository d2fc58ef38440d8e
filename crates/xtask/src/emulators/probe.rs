//! Ports, and whether somebody answers there.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::time::Duration;

use crate::Outcome;

/// How long one attempt may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// A request and the status that it must have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Probe {
    pub(super) path: &'static str,
    pub(super) status: u16,
}

impl Probe {
    /// Whether the server at this port of loopback answers as expected.
    pub(super) fn is_answered(self, port: u16) -> bool {
        self.ask(port).is_ok_and(|status| status == self.status)
    }

    fn ask(self, port: u16) -> Outcome<u16> {
        let text = |error: std::io::Error| error.to_string();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE).map_err(text)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(text)?;
        stream.set_write_timeout(Some(PATIENCE)).map_err(text)?;
        let request = format!("GET {} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n", self.path);
        stream.write_all(request.as_bytes()).map_err(text)?;
        // `HTTP/1.1 200`: the rest of the answer does not matter.
        let mut start = [0; 12];
        stream.read_exact(&mut start).map_err(text)?;
        let start = String::from_utf8_lossy(&start);
        let (_, status) = start.split_once(' ').ok_or("no status")?;
        status.parse().map_err(|_| "no status".to_owned())
    }
}

/// A port of loopback on which nobody listens. Another program can still take it before an emulator does.
pub(super) fn free_port() -> Outcome<u16> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| format!("there is no free port: {error}"))
}

/// Whether somebody listens at an address such as `http://127.0.0.1:18000`.
pub(super) fn is_reachable(address: &str) -> bool {
    let host = address.strip_prefix("http://").unwrap_or(address).trim_end_matches('/');
    host.to_socket_addrs()
        .is_ok_and(|mut found| found.any(|socket| TcpStream::connect_timeout(&socket, PATIENCE).is_ok()))
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    const HEALTHY: Probe = Probe { path: "/health", status: 200 };

    /// The port of a server which gives this answer once.
    fn server(answer: &'static str) -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 1024];
            let length = stream.read(&mut request).unwrap();
            assert!(request[..length].starts_with(b"GET /health HTTP/1.1\r\n"));
            stream.write_all(answer.as_bytes()).unwrap();
        });
        port
    }

    #[test]
    fn only_the_expected_status_is_an_answer() {
        assert!(HEALTHY.is_answered(server("HTTP/1.1 200 OK\r\n\r\nfine")));
        assert!(!HEALTHY.is_answered(server("HTTP/1.1 404 Not Found\r\n\r\n")));
        assert!(!HEALTHY.is_answered(server("220 mail.example ESMTP\r\n")));
        assert!(!HEALTHY.is_answered(server("")));
    }

    #[test]
    fn nobody_answers_at_a_free_port() {
        let port = free_port().unwrap();
        assert!(!HEALTHY.is_answered(port));
        assert!(!is_reachable(&format!("http://127.0.0.1:{port}")));
    }
}
