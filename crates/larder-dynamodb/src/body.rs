//! Requests of the SDK with a body of our own.

use std::cell::RefCell;
use std::future::poll_fn;
use std::mem::swap;
use std::pin::{Pin, pin};

use aws_sdk_dynamodb::error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;

use crate::client::quiet;

/// The header that names the operation.
const TARGET: &str = "x-amz-target";

/// The operations whose requests have a body of our own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Operation {
    Get,
    Put,
    Update,
    Delete,
    Query,
    GetBatch,
    WriteBatch,
}

impl Operation {
    const ALL: [Self; 7] =
        [Self::Get, Self::Put, Self::Update, Self::Delete, Self::Query, Self::GetBatch, Self::WriteBatch];

    /// The one that a request is for.
    fn of(target: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.is_in(target))
    }

    /// Whether a request is for it: it stands behind the version of the service's interface.
    fn is_in(self, target: &str) -> bool {
        target.strip_suffix(self.name()).is_some_and(|version| version.ends_with('.'))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Get => "GetItem",
            Self::Put => "PutItem",
            Self::Update => "UpdateItem",
            Self::Delete => "DeleteItem",
            Self::Query => "Query",
            Self::GetBatch => "BatchGetItem",
            Self::WriteBatch => "BatchWriteItem",
        }
    }
}

/// A body, and what it is the body of.
type Body = (Operation, String);

thread_local! {
    /// The body of the request that this thread is working on, until the SDK has taken it.
    static BODY: RefCell<Option<Body>> = const { RefCell::new(None) };
}

/// A body that lies ready on this thread until this is dropped, whether or not somebody panics.
struct Lent<'a>(&'a mut Option<Body>);

impl<'a> Lent<'a> {
    fn new(body: &'a mut Option<Body>) -> Self {
        BODY.with_borrow_mut(|current| swap(current, body));
        Self(body)
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        BODY.with_borrow_mut(|current| swap(current, self.0));
    }
}

/// Sends a request with this body in the place of its own; otherwise as [`quiet`].
///
/// The request says what the SDK has to know of it: the operation and the table.
pub(crate) async fn with_body<T>(
    operation: Operation,
    body: String,
    request: Pin<&mut impl Future<Output = T>>,
) -> T {
    let mut body = Some((operation, body));
    let mut request = pin!(quiet(request));
    poll_fn(|context| {
        let _lent = Lent::new(&mut body);
        request.as_mut().poll(context)
    })
    .await
}

/// Gives a request its body, before it is signed.
pub(crate) fn put_in(request: &mut HttpRequest) -> Result<(), BoxError> {
    let target = request.headers().get(TARGET).unwrap_or_default();
    match BODY.take() {
        None if Operation::of(target).is_none() => Ok(()),
        Some((operation, body)) if operation.is_in(target) => {
            request.headers_mut().insert("content-length", body.len().to_string());
            *request.body_mut() = body.into();
            Ok(())
        }
        // Sent as it is, it would be refused, which would be told as if nothing had been sent before.
        _ => Err("a request has not the body that was written for it".into()),
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn lies_ready() -> Option<String> {
        BODY.with_borrow(|body| body.as_ref().map(|(_, text)| text.clone()))
    }

    #[test]
    fn each_request_finds_its_own_body_and_leaves_none_behind() {
        let mut context = Context::from_waker(Waker::noop());
        let look = || {
            let mut turns = 0;
            poll_fn(move |_| {
                turns += 1;
                if turns < 3 { Poll::Pending } else { Poll::Ready(lies_ready()) }
            })
        };
        let (one, two) = (pin!(look()), pin!(look()));
        let mut one = pin!(with_body(Operation::Put, "1".into(), one));
        let mut two = pin!(with_body(Operation::GetBatch, "2".into(), two));
        for _ in 0..2 {
            assert!(one.as_mut().poll(&mut context).is_pending());
            assert_eq!(lies_ready(), None);
            assert!(two.as_mut().poll(&mut context).is_pending());
        }
        assert_eq!(one.as_mut().poll(&mut context), Poll::Ready(Some("1".into())));
        assert_eq!(two.as_mut().poll(&mut context), Poll::Ready(Some("2".into())));
        assert_eq!(lies_ready(), None);
    }

    #[test]
    fn a_request_that_panics_leaves_no_body_behind() {
        let mut context = Context::from_waker(Waker::noop());
        let request = pin!(poll_fn(|_| -> Poll<()> { panic!("a defect of the SDK") }));
        let mut request = pin!(with_body(Operation::Put, "1".into(), request));
        catch_unwind(AssertUnwindSafe(|| request.as_mut().poll(&mut context))).expect_err("it panics");
        assert_eq!(lies_ready(), None);
    }
}
