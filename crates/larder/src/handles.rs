//! The handles that were opened, one for each id.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use larder_core::{Kv, Result};
use tokio::sync::OnceCell;

use crate::entries::meets;
use crate::variables::stem;

/// The handles, by what their ids have in common in variables, so that two ids that meet there meet here.
#[derive(Default)]
pub(crate) struct Handles(Mutex<HashMap<String, Slot>>);

struct Slot {
    id: String,
    handle: Arc<OnceCell<Kv>>,
}

impl Handles {
    /// The handle of an id, if it has been opened.
    pub(crate) fn get(&self, id: &str) -> Result<Option<Kv>> {
        match self.lock().get(&stem(id)) {
            Some(slot) => Ok(slot.of(id)?.get().cloned()),
            None => Ok(None),
        }
    }

    /// The handle of an id, opened by whoever comes first, while others wait. An error is for its own caller only.
    ///
    /// Call it only for an id whose binding was found, so that ids from outside cannot fill the map.
    pub(crate) async fn get_or_open(&self, id: &str, open: impl Future<Output = Result<Kv>>) -> Result<Kv> {
        let handle = {
            let mut slots = self.lock();
            let slot = slots
                .entry(stem(id))
                .or_insert_with(|| Slot { id: id.to_owned(), handle: Arc::new(OnceCell::new()) });
            Arc::clone(slot.of(id)?)
        };
        handle.get_or_try_init(|| open).await.cloned()
    }

    /// Forgets the handle of an id.
    pub(crate) fn remove(&self, id: &str) {
        let mut slots = self.lock();
        if slots.get(&stem(id)).is_some_and(|slot| slot.id == id) {
            slots.remove(&stem(id));
        }
    }

    /// The ids that have been asked for and found.
    pub(crate) fn ids(&self) -> Vec<String> {
        let mut ids: Vec<_> = self.lock().values().map(|slot| slot.id.clone()).collect();
        ids.sort();
        ids
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Slot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    fn of(&self, id: &str) -> Result<&Arc<OnceCell<Kv>>> {
        if self.id == id { Ok(&self.handle) } else { Err(meets(id, &self.id).into_error(id)) }
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
        assert!(handles.get("cache").expect("no conflict").is_none());
        let opening = async { Ok(Kv::new(MemoryDriver::new())) };
        handles.get_or_open("cache", opening).await.expect("it opens");
        assert!(handles.get("cache").expect("no conflict").is_some());
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
