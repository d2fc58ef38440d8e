//! Requests of the SDK with a body of our own, and answers that are parsed by us.

use std::cell::RefCell;
use std::future::poll_fn;
use std::mem::swap;
use std::pin::{Pin, pin};

use aws_sdk_dynamodb::error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;

use larder_core::ErrorKind;
use larder_core::driver::DriverError;

use crate::answer::Answer;
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

    fn is_read(self) -> bool {
        matches!(self, Self::Get | Self::Query | Self::GetBatch)
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

/// What a request takes along to the SDK's hooks, and back.
#[derive(Default)]
struct Luggage {
    operation: Option<Operation>,
    /// Until the SDK has taken it.
    body: Option<String>,
    /// The answer to a read, once it is there.
    answer: Option<Answer>,
}

thread_local! {
    /// That of the request which this thread is working on.
    static CURRENT: RefCell<Luggage> = RefCell::default();
}

/// Luggage that lies ready on this thread until this is dropped, whether or not somebody panics.
struct Lent<'a>(&'a mut Luggage);

impl<'a> Lent<'a> {
    fn new(luggage: &'a mut Luggage) -> Self {
        CURRENT.with_borrow_mut(|current| swap(current, luggage));
        Self(luggage)
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        CURRENT.with_borrow_mut(|current| swap(current, self.0));
    }
}

/// A request and its answer.
pub(crate) struct Exchange(Luggage);

impl Exchange {
    /// A request for this operation with this body.
    pub(crate) fn new(operation: Operation, body: String) -> Self {
        Self(Luggage { operation: Some(operation), body: Some(body), answer: None })
    }

    /// Sends a request with the body in the place of its own; otherwise as [`quiet`].
    ///
    /// The request says what the SDK has to know of it: the operation and the table.
    pub(crate) async fn send<T>(&mut self, request: Pin<&mut impl Future<Output = T>>) -> T {
        let mut request = pin!(quiet(request));
        poll_fn(|context| {
            let _lent = Lent::new(&mut self.0);
            request.as_mut().poll(context)
        })
        .await
    }

    /// What a read that ended well has read.
    ///
    /// # Errors
    ///
    /// `Internal`: the SDK has read it by itself.
    pub(crate) fn answer(self) -> Result<Answer, DriverError> {
        let none = || DriverError::refused(ErrorKind::Internal, "the SDK did not pass the answer on");
        self.0.answer.ok_or_else(none)
    }
}

/// Gives a request its body, before it is signed.
pub(crate) fn put_in(request: &mut HttpRequest) -> Result<(), BoxError> {
    let target = request.headers().get(TARGET).unwrap_or_default();
    let (operation, body) = CURRENT.with_borrow_mut(|current| (current.operation, current.body.take()));
    match (operation, body) {
        (None, _) if Operation::of(target).is_none() => Ok(()),
        (Some(operation), Some(body)) if operation.is_in(target) => {
            request.headers_mut().insert("content-length", body.len().to_string());
            *request.body_mut() = body.into();
            Ok(())
        }
        // Sent as it is, it would be refused, which would be told as if nothing had been sent before.
        _ => Err("a request has not the body that was written for it".into()),
    }
}

/// The operation of the request that this thread is working on, if it is a read.
pub(crate) fn current_read() -> Option<Operation> {
    CURRENT.with_borrow(|current| current.operation.filter(|operation| operation.is_read()))
}

/// Keeps the answer to that request.
pub(crate) fn answered(answer: Answer) {
    CURRENT.with_borrow_mut(|current| current.answer = Some(answer));
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn lies_ready() -> Option<String> {
        CURRENT.with_borrow(|current| current.body.clone())
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
        let mut exchanges = [(Operation::Put, "1"), (Operation::GetBatch, "2")]
            .map(|(operation, body)| Exchange::new(operation, body.into()));
        let [first, second] = &mut exchanges;
        let mut one = pin!(first.send(one));
        let mut two = pin!(second.send(two));
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
        let mut exchange = Exchange::new(Operation::Put, "1".into());
        let mut request = pin!(exchange.send(request));
        catch_unwind(AssertUnwindSafe(|| request.as_mut().poll(&mut context))).expect_err("it panics");
        assert_eq!(lies_ready(), None);
    }
}
