//! Ending a call before it is done.

use std::sync::Arc;

use napi_derive::napi;
use tokio::sync::Notify;

/// What ends the one call that it is given to.
#[napi]
#[derive(Debug, Default)]
pub struct Cancel(Arc<Notify>);

#[napi]
impl Cancel {
    /// One that nobody has used.
    #[napi(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the call, also if it has not begun yet.
    #[napi]
    pub fn cancel(&self) {
        self.0.notify_one();
    }

    pub(crate) fn signal(&self) -> Arc<Notify> {
        Arc::clone(&self.0)
    }
}
