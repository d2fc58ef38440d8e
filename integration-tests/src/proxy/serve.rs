//! The client's side: its connections and its streams.

use std::convert::Infallible;
use std::future::{Future, pending};
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::AUTHORIZATION;
use hyper::service::service_fn;
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::body::Whole;
use super::control;
use super::exchange::{Exchange, now};
use super::journal::{Entry, Journal, write};
use super::operation::operation;
use super::perform::{Ending, Proxy, perform};
use super::rulebook::Rulebook;
use super::upstream::{Message, Upstream};
use super::wire::{Cord, Wire};

/// Where a proxy listens.
#[derive(Clone, Debug)]
pub struct Listening {
    /// For clients of the server.
    pub url: String,
    /// For the test: `POST /rules`, `GET /log?offset=0&limit=1000`, `GET /counts`, `POST /settle`, `POST
    /// /reset`.
    pub control: String,
}

/// Starts a proxy before a server at `http://host:port`, on free ports of the loopback interface. It runs for
/// as long as the runtime.
///
/// # Errors
///
/// When the address is none, or nothing can be listened on.
pub async fn listen(upstream: &str) -> io::Result<Listening> {
    let proxy = Arc::new(Proxy {
        upstream: Upstream::new(upstream).map_err(io::Error::other)?,
        rules: Rulebook::default(),
        journal: Arc::new(Journal::new()),
    });
    let controlled = Arc::clone(&proxy);
    let control = accept(move |stream| {
        let proxy = Arc::clone(&controlled);
        let service = service_fn(move |request| {
            let proxy = Arc::clone(&proxy);
            async move { Ok::<_, Infallible>(control::answer(&proxy, request).await) }
        });
        async move {
            // The test sees for itself that its connection broke.
            let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
        }
    });
    let control = control.await?;
    let url = accept(move |stream| connection(Arc::clone(&proxy), stream)).await?;
    Ok(Listening { url, control })
}

/// Listens on a free port, and serves each connection in a task of its own.
async fn accept<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> io::Result<String>
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move {
        loop {
            // A client that is gone before it was accepted is no reason to stop.
            if let Ok((stream, _)) = listener.accept().await
                && stream.set_nodelay(true).is_ok()
            {
                tokio::spawn(serve(stream));
            }
        }
    });
    Ok(url)
}

/// Serves a client's connection until it ends or is broken.
async fn connection(proxy: Arc<Proxy>, stream: TcpStream) {
    let number = proxy.journal.connection();
    let cord = Arc::new(Cord::default());
    let wire = Wire::new(stream, Arc::clone(&cord));
    let for_streams = Arc::clone(&cord);
    let service =
        service_fn(move |request| stream_of(Arc::clone(&proxy), Arc::clone(&for_streams), number, request));
    let builder = Builder::new(TokioExecutor::new());
    tokio::select! {
        // How it ended matters to the client alone.
        _ = builder.serve_connection(TokioIo::new(wire), service) => {}
        () = cord.pulled() => {}
    }
}

/// Serves a request. An error has the code with which the stream is reset.
async fn stream_of(
    proxy: Arc<Proxy>,
    cord: Arc<Cord>,
    connection: u64,
    request: Request<Incoming>,
) -> Result<Response<Whole>, h2::Error> {
    let (head, body) = request.into_parts();
    let has_streams = head.version == Version::HTTP_2;
    // A request that does not arrive whole never was one.
    let request = Message::read(head, body).await.map_err(|_| h2::Reason::CANCEL)?;
    let exchange = Exchange {
        sequence: 0,
        connection,
        operation: operation(&request.head).to_owned(),
        method: request.head.method.to_string(),
        path: request.head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
        authorization: request
            .head
            .headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned),
        received_at: now(),
        request: request.data.to_vec(),
        faults: Vec::new(),
        forwarded_at: None,
        upstream: None,
        upstream_error: None,
        answered_at: None,
        duplicates: Vec::new(),
    };
    let (entry, ticket) = proxy.journal.open(exchange, &proxy.rules);
    let (sender, ending) = oneshot::channel();
    let (performer, performed) = (Arc::clone(&proxy), Arc::clone(&entry));
    // A task of its own: hyper drops this future when the client gives up.
    tokio::spawn(async move {
        let ending = perform(performer, performed, request).await;
        // The client may be gone. The ticket goes with it, so that nothing is settled before the log says how
        // it ended.
        let _ = sender.send((ending, ticket));
    });
    let Ok((ending, ticket)) = ending.await else { return Err(h2::Reason::INTERNAL_ERROR.into()) };
    match ending {
        Ending::Reply(response) => {
            write(&entry).answered_at = Some(now());
            hand_over(&proxy, &entry, &response);
            return Ok(response);
        }
        Ending::Cut(response) => {
            hand_over(&proxy, &entry, &response);
            return Ok(response);
        }
        Ending::Stream(reason) | Ending::Reset(reason) if has_streams => return Err(reason.into()),
        Ending::Stream(_) | Ending::Connection => cord.close(),
        Ending::Reset(_) => cord.reset(),
        Ending::Never => {}
    }
    drop(ticket);
    pending().await
}

fn hand_over(proxy: &Proxy, entry: &Entry, response: &Response<Whole>) {
    proxy.journal.count(entry, |count| count.reply_bytes += response.body().len() as u64);
}
