//! An open store.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use larder::{Bindings, Error, ErrorKind, Kv};
use napi::bindgen_prelude::spawn_blocking;
use napi_derive::napi;

use crate::failure::thrown;
use crate::lease::Lease;
use crate::recent::{Reading, Recent};
use crate::run::give_back_later;
use crate::traffic::Traffic;

/// A handle on a store, until it is closed.
#[napi]
#[derive(Debug)]
pub struct Store {
    open: Mutex<Option<Open>>,
    recent: Arc<Recent>,
    traffic: Arc<Traffic>,
}

#[derive(Debug)]
struct Open {
    kv: Kv,
    /// For a store that the bindings of the environment keep. Dropped behind the handle on it.
    _lease: Option<Lease>,
}

/// Opens the store that an id is bound to: by the environment, or by the text of a binding.
#[napi]
pub async fn open(id: String, binding: Option<String>) -> napi::Result<Store> {
    let opened = match binding {
        Some(text) => Bindings::from_map([(id.as_str(), text)]).load_kv(&id).await.map(|kv| (kv, None)),
        None => Lease::open(&id).await.map(|(kv, lease)| (kv, Some(lease))),
    };
    let (kv, lease) = opened.map_err(|error| thrown(&error))?;
    let traffic = Traffic::of(&kv.describe());
    let recent = Arc::new(Recent::new(Arc::clone(&traffic)));
    let open = Mutex::new(Some(Open { kv, _lease: lease }));
    Ok(Store { open, recent, traffic })
}

#[napi]
impl Store {
    /// Closes the handle. Calls that are under way come to their end; a store without other handles is closed then.
    #[napi]
    pub async fn close(&self) -> napi::Result<()> {
        let Some(open) = self.take() else { return Ok(()) };
        // An embedded store is closed when all is on disk.
        let closed = spawn_blocking(move || drop(open)).await;
        give_back_later();
        closed.map_err(|error| napi::Error::from_reason(error.to_string()))
    }

    /// The platform and the store, for people.
    #[napi]
    pub fn describe(&self) -> napi::Result<String> {
        Ok(self.kv()?.describe())
    }

    pub(crate) fn kv(&self) -> napi::Result<Kv> {
        match &*self.lock() {
            Some(open) => Ok(open.kv.clone()),
            None => Err(thrown(&Error::new(ErrorKind::InvalidInput, "the handle was closed"))),
        }
    }

    /// Reads a key: where, depends on what was read before.
    pub(crate) fn reading(&self, key: &str) -> Reading {
        Reading::of(&self.recent, key)
    }

    /// What goes through the store.
    pub(crate) fn traffic(&self) -> Arc<Traffic> {
        Arc::clone(&self.traffic)
    }

    fn take(&self) -> Option<Open> {
        self.lock().take()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Store {
    /// Whoever forgot to close a handle leaves that to the garbage collector, which runs on JavaScript's thread and must not
    /// wait for a disk.
    fn drop(&mut self) {
        if let Some(open) = self.take() {
            std::thread::spawn(move || drop(open));
        }
    }
}
