//! What the SDK tells the service of itself, put together once.
//!
//! The SDK does that for each request, and looks at the environment for it: a twentieth of what a read costs. It comes out
//! the same each time, but for where credentials are from that were renewed, which stays as it was at first.

use std::sync::OnceLock;

use aws_runtime::user_agent::UserAgentInterceptor;
use aws_sdk_dynamodb::config::ConfigBag;
use aws_smithy_runtime_api::client::interceptors::disable_interceptor;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;

/// The headers that say it.
const HEADERS: [&str; 2] = ["user-agent", "x-amz-user-agent"];

/// What the SDK said in a client's first request.
#[derive(Debug, Default)]
pub(crate) struct UserAgent(OnceLock<[String; 2]>);

impl UserAgent {
    /// Has the SDK not say again what is known.
    pub(crate) fn spare(&self, config: &mut ConfigBag) {
        if self.0.get().is_some() {
            let spared = disable_interceptor::<UserAgentInterceptor>("it says the same each time");
            config.interceptor_state().store_put(spared);
        }
    }

    /// Says it in a request in which the SDK does not, before it is signed.
    pub(crate) fn put_in(&self, request: &mut HttpRequest) {
        let Some(said) = self.0.get() else { return };
        for (header, value) in HEADERS.into_iter().zip(said) {
            request.headers_mut().insert(header, value.clone());
        }
    }

    /// Keeps what a request says that is about to be signed.
    pub(crate) fn learn(&self, request: &HttpRequest) {
        if self.0.get().is_none()
            && let [Some(agent), Some(aws_agent)] = HEADERS.map(|header| request.headers().get(header))
        {
            // Another request may have been as early, and said the same.
            let _ = self.0.set([agent.to_owned(), aws_agent.to_owned()]);
        }
    }
}
