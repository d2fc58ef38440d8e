//! Requests of the SDK with a body of our own.

use std::cell::RefCell;
use std::future::poll_fn;
use std::mem::swap;
use std::pin::Pin;

use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;

use crate::client::quiet;

thread_local! {
    /// The body of the request that this thread is working on, until the SDK has taken it.
    static BODY: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Sends a request with this body in the place of its own; otherwise as [`quiet`].
///
/// The request says what the SDK has to know of it: the operation and the table.
pub(crate) async fn with_body<T>(body: String, mut request: Pin<&mut impl Future<Output = T>>) -> T {
    let mut body = Some(body);
    let mut request = std::pin::pin!(quiet(request.as_mut()));
    poll_fn(|context| {
        BODY.with_borrow_mut(|current| swap(current, &mut body));
        let polled = request.as_mut().poll(context);
        BODY.with_borrow_mut(|current| swap(current, &mut body));
        polled
    })
    .await
}

/// Gives requests their bodies, before they are signed.
#[derive(Debug)]
pub(crate) struct OwnBodies;

impl Intercept for OwnBodies {
    fn name(&self) -> &'static str {
        "OwnBodies"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(body) = BODY.take() {
            let request = context.request_mut();
            request.headers_mut().insert("content-length", body.len().to_string());
            *request.body_mut() = body.into();
        }
        Ok(())
    }
}
