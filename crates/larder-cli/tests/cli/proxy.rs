//! A server between the program and an emulator, which says something else than the emulator did.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

/// A reply of an emulator, on its way.
pub(crate) struct Reply {
    pub(crate) date: String,
    pub(crate) body: String,
    status: String,
}

impl Reply {
    /// Makes it a refusal.
    pub(crate) fn refuse(&mut self, exception: &str) {
        self.status = "HTTP/1.1 400 Bad Request\r\n".to_owned();
        self.body = format!(r#"{{"__type":"com.amazon.coral.service#{exception}","Message":"refused"}}"#);
    }
}

type Edit = Arc<dyn Fn(&str, &mut Reply) + Send + Sync>;

/// Starts one before an emulator of DynamoDB, for as long as the test runs. `edit` is given the name of each operation, and
/// its reply.
pub(crate) fn before(upstream: &str, edit: impl Fn(&str, &mut Reply) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let upstream = upstream.strip_prefix("http://").expect("an address").to_owned();
    let edit: Edit = Arc::new(edit);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let (upstream, edit) = (upstream.clone(), Arc::clone(&edit));
            // A client that leaves is none of the test's business.
            thread::spawn(move || pass(client, &upstream, &edit).ok());
        }
    });
    url
}

/// Passes one request on, and its reply back.
fn pass(mut client: TcpStream, upstream: &str, edit: &Edit) -> std::io::Result<()> {
    let mut from_client = BufReader::new(client.try_clone()?);
    let (first, headers) = head(&mut from_client)?;
    let body = body(&mut from_client, &headers)?;
    let mut server = TcpStream::connect(upstream)?;
    let mut request = first;
    for (name, value) in headers.iter().filter(|(name, _)| name != "connection") {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    server.write_all(format!("{request}connection: close\r\n\r\n").as_bytes())?;
    server.write_all(&body)?;

    let mut from_server = BufReader::new(server);
    let (status, sent) = head(&mut from_server)?;
    let sent_body = self::body(&mut from_server, &sent)?;
    let mut reply = Reply {
        date: header(&sent, "date").unwrap_or_default().to_owned(),
        body: String::from_utf8(sent_body).expect("JSON"),
        status,
    };
    let operation = header(&headers, "x-amz-target").unwrap_or_default();
    edit(operation.rsplit('.').next().unwrap_or_default(), &mut reply);
    let date = if reply.date.is_empty() { String::new() } else { format!("date: {}\r\n", reply.date) };
    let head = format!(
        "{}content-type: application/x-amz-json-1.0\r\n{date}content-length: {}\r\nconnection: close\r\n\r\n",
        reply.status,
        reply.body.len()
    );
    client.write_all(&[head.as_bytes(), reply.body.as_bytes()].concat())
}

type Headers = Vec<(String, String)>;

/// The first line, with its end, and the headers, their names in lower case.
fn head(from: &mut impl BufRead) -> std::io::Result<(String, Headers)> {
    let mut first = String::new();
    from.read_line(&mut first)?;
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        if from.read_line(&mut line)? == 0 || line == "\r\n" {
            return Ok((first, headers));
        }
        let (name, value) = line.split_once(':').expect("a header");
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
}

fn header<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    headers.iter().find(|(has, _)| has == name).map(|(_, value)| value.as_str())
}

fn body(from: &mut impl Read, headers: &Headers) -> std::io::Result<Vec<u8>> {
    let length = header(headers, "content-length").map_or(0, |length| length.parse().expect("a length"));
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    Ok(body)
}
