//! `GET /v1/kv/{binding}/stream`: all entries under a prefix, a line of JSON each.

#![expect(unused_qualifications, reason = "the code that utoipa makes of params(…)")]

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures_util::stream::{Peekable, Stream, StreamExt};
use larder::{Error, ErrorKind};
use serde::{Deserialize, Serialize};
use tokio::task::yield_now;
use tracing::Span;
use utoipa::{IntoParams, ToSchema};

use super::SCAN;
use super::item::{Failed, Item, Values};
use super::lines::{self, line};
use crate::caller::Caller;
use crate::extract::Query;
use crate::gateway::Gateway;
use crate::guard::Standing;
use crate::permission::Permission;
use crate::problem::{Problem, ProblemBody, Refusals};
use crate::request_id::{self, RequestId};

/// How many lines that are there already are sent together.
const LINES_AT_ONCE: usize = 128;

/// Which entries.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// The prefix of the keys; the empty one, which is that of all, unless told.
    #[serde(default)]
    #[param(max_length = 512)]
    prefix: String,
    /// How values are shown; `base64` unless told.
    #[serde(default)]
    #[param(inline)]
    values: Values,
}

/// The last line: how the scan ended.
#[derive(Serialize, ToSchema)]
pub(crate) struct End {
    /// Whether the scan came to its end.
    complete: bool,
    /// How many entries were sent.
    entries: u64,
    /// How many records could not be decoded, each of which has a line with `error`.
    failed: u64,
    /// Why the scan broke off; null if it did not.
    #[schema(required)]
    error: Option<ProblemBody>,
}

/// Streams all entries under a prefix, in the order of their keys: a line of JSON each.
///
/// The last line is `{"complete":true,…}`, or `{"complete":false,…}` with the error that broke the scan off, also when the
/// caller's key was revoked or has expired meanwhile. An answer without either was cut off on the way, and is not all. A
/// record that cannot be decoded is a line with `error`.
#[utoipa::path(
    get,
    path = "/v1/kv/{binding}/stream",
    tag = "kv",
    operation_id = "stream",
    params(("binding" = String, Path, description = "The binding."), Wanted),
    responses(
        (status = 200, description = "Lines, each an entry, a failed entry, or at last the end.", content(
            (String = "application/x-ndjson"),
        )),
        Refusals,
    )
)]
pub(super) async fn stream(
    State(gateway): State<Gateway>,
    caller: Caller,
    Path(binding): Path<String>,
    Query(Wanted { prefix, values }): Query<Wanted>,
) -> Result<Response, Problem> {
    let kv = caller.open(&gateway, &binding, Permission::Scan).await?;
    let standing = Standing::new(&gateway, &caller);
    let body = match values {
        Values::None => body(kv.scan_keys(&prefix), standing, |info| Ok(Item::of_key(&info))).await?,
        values => body(kv.scan(&prefix), standing, move |entry| Item::of(&entry, values)).await?,
    };
    Ok(([(CONTENT_TYPE, lines::TYPE)], body).into_response())
}

/// The lines of a scan. A scan that fails before its first entry has a status of its own.
async fn body<E: Send + 'static>(
    scan: impl Stream<Item = larder::Result<E>> + Send + 'static,
    standing: Standing,
    show: impl Fn(E) -> Result<Item, Problem> + Send + Unpin + 'static,
) -> Result<Body, Problem> {
    let mut scan = Box::pin(scan.peekable());
    if let Some(Err(error)) = scan.as_mut().peek().await
        && !is_of_one_record(error)
    {
        return Err(Problem::from(error.clone()).about(SCAN));
    }
    let lines = Lines {
        scan: Some(scan),
        standing,
        show,
        entries: 0,
        failed: 0,
        request_id: request_id::current_id(),
        span: Span::current(),
    };
    let chunks = lines.ready_chunks(LINES_AT_ONCE).then(async |lines| {
        let mut chunk = BytesMut::with_capacity(lines.iter().map(Vec::len).sum());
        lines.iter().for_each(|line| chunk.extend_from_slice(line));
        // The scan gives up the thread behind each of its pages. Writing one as lines takes longer than reading it, and would
        // keep it from those who ask little.
        yield_now().await;
        Ok::<Bytes, Infallible>(chunk.freeze())
    });
    Ok(Body::from_stream(chunks))
}

/// The lines that are left to send.
struct Lines<S: Stream, F> {
    /// `None` once the last line was made.
    scan: Option<Pin<Box<Peekable<S>>>>,
    /// Whether the caller may have them.
    standing: Standing,
    show: F,
    entries: u64,
    failed: u64,
    /// The task that sends the body does not know it.
    request_id: RequestId,
    /// The request's, which lasts until the last line.
    span: Span,
}

impl<E, S, F> Stream for Lines<S, F>
where
    S: Stream<Item = larder::Result<E>>,
    F: Fn(E) -> Result<Item, Problem> + Unpin,
{
    type Item = Vec<u8>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Vec<u8>>> {
        let this = self.get_mut();
        let Some(scan) = &mut this.scan else { return Poll::Ready(None) };
        let _entered = this.span.clone().entered();
        let request_id = this.request_id.clone();
        if let Err(problem) = ready!(request_id::with(&request_id, || this.standing.poll(context))) {
            return Poll::Ready(Some(request_id::with(&request_id, || this.end(Some(problem)))));
        }
        // Nobody else would catch it: the connection would end, and with it whatever else is asked on it.
        let next = match catch_unwind(AssertUnwindSafe(|| scan.as_mut().poll_next(context))) {
            Ok(next) => ready!(next),
            Err(_) => {
                return Poll::Ready(Some(request_id::with(&request_id, || {
                    this.end(Some(Problem::of_panic()))
                })));
            }
        };
        Poll::Ready(Some(request_id::with(&request_id, || match next {
            Some(Err(error)) if is_of_one_record(&error) => {
                this.failed += 1;
                line(&Failed::of(error)).unwrap_or_else(|problem| this.end(Some(problem)))
            }
            Some(Err(error)) => this.end(Some(Problem::from(error))),
            Some(Ok(entry)) => match (this.show)(entry).and_then(|item| line(&item)) {
                Ok(line) => {
                    this.entries += 1;
                    line
                }
                Err(problem) => this.end(Some(problem)),
            },
            None => this.end(None),
        })))
    }
}

impl<S: Stream, F> Lines<S, F> {
    fn end(&mut self, problem: Option<Problem>) -> Vec<u8> {
        self.scan = None;
        let error = problem.map(|problem| problem.body());
        let end = End { complete: error.is_none(), entries: self.entries, failed: self.failed, error };
        line(&end).unwrap_or_default()
    }
}

/// Whether the scan goes on behind this error.
fn is_of_one_record(error: &Error) -> bool {
    error.kind() == ErrorKind::Corrupt && error.key().is_some()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use futures_util::stream;
    use larder::{Kv, MemoryDriver, PutOptions};
    use serde_json::Value;

    use super::*;
    use crate::keys::{Grant, KeyStore, Keyring, REVOKED_WITHIN};
    use crate::problem::Code;

    async fn lines(scan: Vec<larder::Result<String>>) -> Vec<Value> {
        let kv = Kv::new(MemoryDriver::new());
        kv.put("k", "{\n\"a\":\r\n1}", PutOptions::new()).await.expect("stored");
        let entry = kv.get_entry("k").await.expect("read").expect("there");
        let standing = Standing::of(None);
        let body = body(stream::iter(scan), standing, move |_| Item::of(&entry, Values::Json)).await;
        read(body.expect("a body")).await
    }

    async fn read(body: Body) -> Vec<Value> {
        let bytes = axum::body::to_bytes(body, usize::MAX).await.expect("all of it");
        let text = std::str::from_utf8(&bytes).expect("text");
        assert!(text.ends_with('\n'));
        text.lines().map(|line| serde_json::from_str(line).expect("a line is a document")).collect()
    }

    #[tokio::test]
    async fn the_last_line_says_how_it_ended() {
        let broken = || Err(Error::new(ErrorKind::Unavailable, "the table is away"));
        let ended = lines(vec![Ok("a".into()), Ok("b".into())]).await;
        assert_eq!(ended.len(), 3);
        assert_eq!(ended[0]["value"]["a"], 1);
        assert_eq!((&ended[2]["complete"], &ended[2]["entries"]), (&true.into(), &2.into()));
        assert!(ended[2]["error"].is_null());

        let ended = lines(vec![Ok("a".into()), broken(), Ok("b".into())]).await;
        assert_eq!(ended.len(), 2);
        assert_eq!((&ended[1]["complete"], &ended[1]["entries"]), (&false.into(), &1.into()));
        assert_eq!(ended[1]["error"]["error"], "UNAVAILABLE");
        assert!(!ended[1].to_string().contains("the table is away"));
    }

    #[tokio::test]
    async fn a_scan_that_never_began_has_a_status() {
        let scan = stream::iter([Err::<String, _>(Error::new(ErrorKind::Unavailable, "away"))]);
        let problem = body(scan, Standing::of(None), |_| unreachable!()).await.expect_err("no body");
        assert_eq!(problem.code(), Code::Unavailable);
    }

    #[tokio::test]
    async fn a_long_one_lets_others_on_its_thread_take_turns() {
        let kv = Kv::new(MemoryDriver::new());
        kv.put("k", "1", PutOptions::new()).await.expect("stored");
        let entry = kv.get_entry("k").await.expect("read").expect("there");
        let scan = stream::iter((0..10 * LINES_AT_ONCE).map(|_| Ok(())));
        let body =
            body(scan, Standing::of(None), move |()| Item::of(&entry, Values::Json)).await.expect("a body");
        let turns = Arc::new(AtomicUsize::new(0));
        let other = tokio::spawn({
            let turns = Arc::clone(&turns);
            async move {
                loop {
                    turns.fetch_add(1, Ordering::Relaxed);
                    yield_now().await;
                }
            }
        });
        assert_eq!(read(body).await.len(), 10 * LINES_AT_ONCE + 1);
        other.abort();
        assert!(turns.load(Ordering::Relaxed) >= 10, "{turns:?} turns");
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_is_revoked_meanwhile_ends_it() {
        let kv = Kv::new(MemoryDriver::new());
        kv.put("k", "1", PutOptions::new()).await.expect("stored");
        let entry = kv.get_entry("k").await.expect("read").expect("there");
        let store = KeyStore::new(&kv).expect("a store");
        let keyring = Arc::new(Keyring::new(store.clone()));
        let key = store.create(&Grant::new([Permission::Scan]), None).await.expect("a key");
        assert!(keyring.verify(&key.expose()).await.expect("known").is_some());
        // The reader takes a second for each entry, and the key is revoked behind the third.
        let id = key.id();
        let scan = stream::iter(0..60).then(move |number| {
            let store = store.clone();
            async move {
                tokio::time::sleep(Duration::from_secs(1)).await;
                if number == 2 {
                    store.revoke(id).await.expect("it is revoked");
                }
                Ok(())
            }
        });
        let standing = Standing::of(Some((keyring, id)));
        let body = body(scan, standing, move |()| Item::of(&entry, Values::Json)).await.expect("a body");
        let lines = read(body).await;
        let (end, entries) = lines.split_last().expect("a line");
        assert_eq!((&end["complete"], &end["error"]["error"]), (&false.into(), &"UNAUTHORIZED".into()));
        assert_eq!(end["entries"], entries.len());
        let most = 3 + usize::try_from(REVOKED_WITHIN.as_secs()).expect("a number") + 1;
        assert!((3..=most).contains(&entries.len()), "{} entries", entries.len());
    }
}
