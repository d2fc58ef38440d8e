//! How many handles of this process are on each binding of the environment.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use larder::{Bindings, Kv, Result};

/// The bindings of the process. They keep the stores that they opened until they are told to close them.
static BINDINGS: LazyLock<Bindings> = LazyLock::new(Bindings::from_env);
static LEASES: LazyLock<Mutex<HashMap<String, usize>>> = LazyLock::new(Mutex::default);

/// A share in the store of a binding of the environment, which is closed with the last of them.
#[derive(Debug)]
pub(crate) struct Lease {
    id: String,
}

impl Lease {
    /// Opens the store that an id is bound to.
    pub(crate) async fn open(id: &str) -> Result<(Kv, Self)> {
        // Counted before it is opened: whoever closes meanwhile is not the last.
        let lease = Self::new(id);
        let kv = BINDINGS.load_kv(id).await?;
        Ok((kv, lease))
    }

    fn new(id: &str) -> Self {
        *leases().entry(id.to_owned()).or_default() += 1;
        Self { id: id.to_owned() }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut leases = leases();
        let Some(count) = leases.get_mut(&self.id) else { return };
        *count -= 1;
        if *count == 0 {
            leases.remove(&self.id);
            // Under the lock: a lease that is made now opens the store anew.
            BINDINGS.close(&self.id);
        }
    }
}

fn leases() -> MutexGuard<'static, HashMap<String, usize>> {
    LEASES.lock().unwrap_or_else(PoisonError::into_inner)
}
