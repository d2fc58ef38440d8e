//! The handles that were opened, one for each id.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use larder_core::{Kv, Result};
use tokio::sync::OnceCell;

use crate::entries::meets;
use crate::variables::share_variable;

/// The handles, by their ids, of which no two have the same variable.
#[derive(Default)]
pub(crate) struct Handles(Mutex<BTreeMap<String, Handle>>);

type Handle = Arc<OnceCell<Kv>>;

impl Handles {
    /// The handle of an id, if it has been opened.
    pub(crate) fn get(&self, id: &str) -> Option<Kv> {
        self.lock().get(id)?.get().cloned()
    }

    /// Refuses an id that has the same variable as another that was loaded.
    pub(crate) fn check_alone(&self, id: &str) -> Result<()> {
        check_alone(&self.lock(), id)
    }

    /// The handle of an id, opened by whoever comes first, while others wait. An error is for its own caller only.
    ///
    /// Call it only for an id whose binding was found, so that ids from outside cannot fill the map.
    pub(crate) async fn get_or_open(&self, id: &str, open: impl Future<Output = Result<Kv>>) -> Result<Kv> {
        let handle = {
            let mut handles = self.lock();
            check_alone(&handles, id)?;
            Arc::clone(handles.entry(id.to_owned()).or_default())
        };
        handle.get_or_try_init(|| open).await.cloned()
    }

    /// Forgets the handle of an id.
    pub(crate) fn remove(&self, id: &str) {
        self.lock().remove(id);
    }

    /// The ids that have been asked for and found.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Handle>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Refuses an id that has the same variable as another that was loaded.
fn check_alone(handles: &BTreeMap<String, Handle>, id: &str) -> Result<()> {
    match handles.keys().find(|other| *other != id && share_variable(other, id)) {
        Some(other) => Err(meets(id, other).into_error(id)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use larder_core::{Error, ErrorKind, MemoryDriver, PutOptions};
    use tokio::sync::Barrier;
    use tokio::task::JoinSet;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn many_at_once_open_once_and_share() {
        const CALLERS: usize = 64;
        let handles = Arc::new(Handles::default());
        let (opened, together) = (Arc::new(AtomicUsize::new(0)), Arc::new(Barrier::new(CALLERS)));
        let mut callers = JoinSet::new();
        for caller in 0..CALLERS {
            let (handles, opened, together) =
                (Arc::clone(&handles), Arc::clone(&opened), Arc::clone(&together));
            callers.spawn(async move {
                together.wait().await;
                let open = async {
                    opened.fetch_add(1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    Ok(Kv::new(MemoryDriver::new()))
                };
                let kv = handles.get_or_open("cache", open).await.expect("a handle");
                kv.put(format!("caller:{caller}"), "", PutOptions::new()).await.expect("a put");
                kv
            });
        }
        let kvs = callers.join_all().await;
        assert_eq!(opened.load(Ordering::SeqCst), 1);
        for kv in kvs {
            let seen = kv.scan_keys_collect("", 1_000).await.expect("a scan");
            assert_eq!(seen.items.len(), CALLERS, "all handles are on one store");
        }
    }

    #[tokio::test]
    async fn a_failed_opening_is_made_anew() {
        let handles = Handles::default();
        let failing = async { Err(Error::new(ErrorKind::Unavailable, "not now")) };
        let error = handles.get_or_open("cache", failing).await.expect_err("it fails");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(handles.get("cache").is_none());
        let opening = async { Ok(Kv::new(MemoryDriver::new())) };
        handles.get_or_open("cache", opening).await.expect("it opens");
        assert!(handles.get("cache").is_some());
    }

    #[tokio::test]
    async fn an_opening_that_was_dropped_is_made_anew() {
        let handles = Handles::default();
        let never = std::future::pending();
        let opening = handles.get_or_open("cache", never);
        assert!(tokio::time::timeout(std::time::Duration::ZERO, opening).await.is_err());
        let opening = async { Ok(Kv::new(MemoryDriver::new())) };
        handles.get_or_open("cache", opening).await.expect("it opens");
    }
}
