//! Which runtime answers a connection.

use std::sync::Arc;

use hyper::rt::Executor;
use tokio::runtime::Handle;

/// The runtimes that answer connections: if there is none, the one that listens.
pub(super) struct Placement(Vec<Place>);

/// One of them, and a count of its connections.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) runtime: Handle,
    connections: Arc<()>,
}

impl Place {
    fn on(runtime: Handle) -> Self {
        Self { runtime, connections: Arc::default() }
    }
}

impl Placement {
    pub(super) fn on(runtimes: &[Handle]) -> Self {
        Self(runtimes.iter().cloned().map(Place::on).collect())
    }

    /// A place on the runtime that has the fewest connections. It counts as one until it is dropped.
    pub(super) fn take(&self) -> Place {
        let fewest = self.0.iter().min_by_key(|place| Arc::strong_count(&place.connections));
        fewest.cloned().unwrap_or_else(|| Place::on(Handle::current()))
    }
}

/// Where requests of HTTP/2 are answered: on a runtime that all connections share, since one may bring many at a time.
#[derive(Clone)]
pub(super) struct Shared(Handle);

impl Shared {
    /// On the runtime that this is called in.
    pub(super) fn current() -> Self {
        Self(Handle::current())
    }
}

impl<F> Executor<F> for Shared
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, request: F) {
        self.0.spawn(request);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_goes_where_there_are_the_fewest() {
        let runtimes: Vec<_> = (0..3)
            .map(|_| tokio::runtime::Builder::new_current_thread().build().expect("a runtime"))
            .collect();
        let handles: Vec<_> = runtimes.iter().map(|runtime| runtime.handle().clone()).collect();
        let placement = Placement::on(&handles);
        let at = |place: &Place| {
            handles.iter().position(|handle| handle.id() == place.runtime.id()).expect("one of them")
        };
        let mut open: Vec<_> = (0..6).map(|_| placement.take()).collect();
        assert_eq!(open.iter().map(at).collect::<Vec<_>>(), [0, 1, 2, 0, 1, 2]);
        // Both of one runtime end.
        open.retain(|place| at(place) != 1);
        let next: Vec<_> = (0..3).map(|_| placement.take()).collect();
        assert_eq!(next.iter().map(at).collect::<Vec<_>>(), [1, 1, 0]);
    }

    #[test]
    fn requests_of_http2_stay_on_the_runtime_that_listens() {
        let [listening, answering] =
            [(), ()].map(|()| tokio::runtime::Builder::new_current_thread().build().expect("a runtime"));
        let shared = listening.block_on(async { Shared::current() });
        let (tell, told) = std::sync::mpsc::channel();
        answering.block_on(async {
            shared.execute(async move { tell.send(Handle::current().id()).expect("it is waited for") });
        });
        listening.block_on(tokio::task::yield_now());
        assert_eq!(told.try_recv(), Ok(listening.handle().id()));
    }

    #[tokio::test]
    async fn it_is_the_runtime_that_listens_unless_told() {
        assert_eq!(Placement::on(&[]).take().runtime.id(), Handle::current().id());
    }
}
