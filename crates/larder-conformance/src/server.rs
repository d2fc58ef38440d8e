//! Servers on loopback, as small as a test needs them: they answer as they are told, and remember what they were sent.

use std::future::ready;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A request that a server was sent.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The line and the headers.
    pub head: String,
    /// The body, as text.
    pub body: String,
    /// The body as it came.
    pub bytes: Bytes,
}

impl Seen {
    /// The method and the path with its query.
    pub fn line(&self) -> &str {
        self.head.lines().next().unwrap_or_default()
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// What a server answers: the status line, more headers with their line ends, and the body. Without a status it never
/// does.
pub type Reply = (&'static str, String, String);

/// A server that answers by the request, and remembers all of them.
#[derive(Clone, Debug)]
pub struct Server {
    /// Where it is.
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// One that answers at once.
    pub async fn start(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_waiting(move |request| ready(answer(&request))).await
    }

    /// One that answers when it is ready to.
    pub async fn start_waiting<F: Future<Output = Reply> + Send>(
        answer: impl Fn(Seen) -> F + Send + Sync + 'static,
    ) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (Arc::clone(&seen), Arc::new(answer));
        let url = serve(move |mut stream| {
            let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
            async move {
                while let Some(request) = read_request(&mut stream).await {
                    log.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
                    let (status, headers, body) = answer(request).await;
                    if status.is_empty() {
                        while read_request(&mut stream).await.is_some() {}
                        return;
                    }
                    let head =
                        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
                    if stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await.is_err() {
                        return;
                    }
                }
            }
        })
        .await;
        Self { url, seen }
    }

    /// All requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A server that gives every request the same answer.
pub async fn answering(status: &'static str, headers: &'static str, body: &'static str) -> String {
    Server::start(move |_| (status, headers.to_owned(), body.to_owned())).await.url
}

/// A server that takes requests and never answers.
pub async fn silent() -> String {
    serve(|mut stream| async move { while read_request(&mut stream).await.is_some() {} }).await
}

/// A server that takes a request and hangs up.
pub async fn hanging_up() -> String {
    serve(|mut stream| async move { drop(read_request(&mut stream).await) }).await
}

/// A server that promises more than it sends.
pub async fn cutting_off(head: &'static str, body: &'static str) -> String {
    serve(move |mut stream| async move {
        if read_request(&mut stream).await.is_some() {
            let _ = stream.write_all(format!("{head}content-length: 10000\r\n\r\n{body}").as_bytes()).await;
        }
    })
    .await
}

/// A way to another server whose first connection dies in its client's pool: it lets one exchange through, and is closed
/// when the next request comes. The others live.
pub async fn dying_in_the_pool(server: &str) -> String {
    let server = server.trim_start_matches("http://").to_owned();
    let had_one = Arc::new(AtomicBool::new(false));
    serve(move |mut client| {
        let (server, lives) = (server.clone(), had_one.swap(true, Ordering::SeqCst));
        async move {
            let Ok(mut server) = TcpStream::connect(server).await else { return };
            let (mut sent, mut answer) = ([0; 8_192], [0; 8_192]);
            let mut is_used = false;
            loop {
                let written = tokio::select! {
                    read = client.read(&mut sent) => match read {
                        Ok(length @ 1..) if lives || !is_used => server.write_all(&sent[..length]).await,
                        _ => return,
                    },
                    read = server.read(&mut answer) => match read {
                        Ok(length @ 1..) => {
                            is_used = true;
                            client.write_all(&answer[..length]).await
                        }
                        _ => return,
                    },
                };
                if written.is_err() {
                    return;
                }
            }
        }
    })
    .await
}

/// An address where nobody listens.
pub async fn nowhere() -> String {
    let closed = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    format!("http://{}", closed.local_addr().expect("an address"))
}

async fn serve<F: Future<Output = ()> + Send + 'static>(
    answer: impl Fn(TcpStream) -> F + Send + Sync + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream));
        }
    });
    url
}

/// Reads a whole request; `None` when the client has gone.
async fn read_request(stream: &mut TcpStream) -> Option<Seen> {
    let mut request = Vec::new();
    let mut buffer = [0; 8_192];
    loop {
        if let Some(head) = request.windows(4).position(|window| window == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&request[..head]).into_owned();
            let seen = Seen { head: text, body: String::new(), bytes: Bytes::new() };
            let length: usize = seen.header("content-length").map_or(Ok(0), str::parse).expect("a length");
            if request.len() >= head + 4 + length {
                let bytes = Bytes::copy_from_slice(&request[head + 4..]);
                let body = String::from_utf8_lossy(&bytes).into_owned();
                return Some(Seen { body, bytes, ..seen });
            }
        }
        match stream.read(&mut buffer).await {
            Ok(read @ 1..) => request.extend(&buffer[..read]),
            _ => return None,
        }
    }
}
