//! The handle: what users hold.

mod ahead;
mod answers;
mod attempts;
mod batch;
mod chunks;
mod codec;
mod divide;
mod increment;
mod judge;
mod layout;
mod maintain;
mod read;
mod resolve;
mod scan;
mod stream;
mod timers;
mod write;

use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::time::Instant;

use self::layout::{FoundLayout, LayoutFailure};
use self::timers::Timers;
use crate::driver::{Consistency, Driver, LayoutKeeper, Projection, Read, RowKey};
use crate::error::{Error, ErrorKind, InvalidInput, Result};
use crate::key::{CanonicalKey, SYSTEM_MARK, check_key};
use crate::layout::Layout;
use crate::namespace::namespace;
use crate::operation::Operation;
use crate::options::expiry;
use crate::retry::{RetryBudget, RetryPolicy};
use crate::telemetry::{MetricsRecorder, Telemetry};
use crate::time::{Clock, Expiry, SystemClock, Timestamp};

pub use self::stream::ScanStream;

pub(crate) use self::ahead::fetch_size;
pub(crate) use self::divide::lengths;

/// A key-value store.
///
/// The same calls mean the same on every backend: see the numbered clauses of `docs/contract.md`. Cloning is cheap, and
/// clones share one connection, one retry budget and one layout. Futures may be dropped at any time; a write whose
/// future was dropped may still be applied (P4).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> larder_core::Result<()> {
/// use larder_core::{Kv, MemoryDriver, PutOptions};
/// use std::time::Duration;
///
/// let kv = Kv::new(MemoryDriver::new());
/// kv.put("user:123", b"Alice", PutOptions::new().ttl(Duration::from_secs(60))).await?;
/// assert_eq!(kv.get("user:123").await?.as_deref(), Some(&b"Alice"[..]));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Kv {
    shared: Arc<Shared>,
    /// The canonical text before every key of this handle (K5).
    namespace: Arc<str>,
    consistency: Consistency,
}

struct Shared {
    driver: Arc<dyn Driver>,
    clock: Arc<dyn Clock>,
    policy: RetryPolicy,
    budget: RetryBudget,
    layout: OnceCell<Layout>,
    layout_failure: LayoutFailure,
    timers: Timers,
    telemetry: Telemetry,
    binding: Arc<str>,
    show_full_keys: bool,
}

/// Where a key lives, and when the operation on it must be done if it had to wait for the layout.
struct Place {
    row: RowKey,
    deadline: Option<Instant>,
}

impl Kv {
    /// A handle on a driver, with the default settings.
    pub fn new(driver: impl Driver + 'static) -> Self {
        Self::builder(driver).build()
    }

    /// A handle on a driver, with settings.
    pub fn builder(driver: impl Driver + 'static) -> KvBuilder {
        KvBuilder {
            driver: Arc::new(driver),
            clock: Arc::new(SystemClock),
            policy: RetryPolicy::default(),
            binding: None,
            recorder: None,
            show_full_keys: false,
        }
    }

    /// A handle on the part of this store whose keys begin with `id` and a colon (K5).
    ///
    /// Keys, prefixes, cursors and errors of the new handle are relative to it; it reaches nothing outside. `id` is a
    /// resource id (`[A-Za-z0-9-_]{1,64}`); a colon at its end may be given or left out. The namespace's bytes count
    /// against the limit of a key.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> larder_core::Result<()> {
    /// use larder_core::{Kv, MemoryDriver, PutOptions};
    ///
    /// let kv = Kv::new(MemoryDriver::new());
    /// let tenant = kv.with_prefix("tenant-1")?;
    /// tenant.put("plan", "pro", PutOptions::new()).await?;
    /// assert!(kv.exists("tenant-1:plan").await?);
    /// assert!(!tenant.exists("tenant-1:plan").await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `InvalidInput` when `id` is no resource id.
    pub fn with_prefix(&self, id: &str) -> Result<Self> {
        let mut kv = self.clone();
        kv.namespace = format!("{}{}", self.namespace, namespace(id)?).into();
        Ok(kv)
    }

    /// A handle on records of Larder's own, which no user's handle, scan or copy reaches (K5).
    ///
    /// It is for programs around the store (a gateway's API keys, a tool's state), not for services' data.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when `id` is no resource id; `Unsupported` where a server stands before the store, which lets nobody at
    /// its own records.
    pub fn system(&self, id: &str) -> Result<Self> {
        let namespace = namespace(id)?;
        if self.shared.driver.info().layout == LayoutKeeper::Server {
            let reason = "a gateway gives out none of its own records: open the store itself to reach them";
            return Err(Error::new(ErrorKind::Unsupported, reason));
        }
        let mut kv = self.clone();
        kv.namespace = format!("{SYSTEM_MARK}{namespace}").into();
        Ok(kv)
    }

    /// The same store, read with that consistency (G1).
    ///
    /// [`Consistency::Eventual`] may miss the latest writes and costs less on some platforms. Writes and their
    /// conditions are not affected.
    #[must_use]
    pub fn with_consistency(&self, consistency: Consistency) -> Self {
        let mut kv = self.clone();
        kv.consistency = consistency;
        kv
    }

    /// The platform and the store, for people: `sled at /var/lib/larder`.
    pub fn describe(&self) -> String {
        let info = self.shared.driver.info();
        format!("{} at {}", info.system, info.store)
    }

    /// Refuses a key that no operation of this handle takes (K3): one that is empty, or too long with the handle's namespace
    /// before it. Asks nobody.
    ///
    /// ```
    /// # fn main() -> larder_core::Result<()> {
    /// # use larder_core::{Kv, MemoryDriver};
    /// let kv = Kv::new(MemoryDriver::new());
    /// let longest = "k".repeat(512);
    /// assert!(kv.check_key(&longest).is_ok());
    /// assert!(kv.with_prefix("tenant-1")?.check_key(&longest).is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `InvalidInput`, with the length and the limit.
    pub fn check_key(&self, key: impl AsRef<str>) -> Result<()> {
        Ok(check_key(&self.namespace, key.as_ref())?)
    }

    /// The driver below: the whole store with Larder's own records in it.
    ///
    /// It has none of this handle's namespace, clock, limits and promises. Like [`Kv::system`], it says `system` because
    /// it reaches what users' handles do not (K5): the layout, the lease of sweeps, and all namespaces. What is written
    /// by it unlike a handle would write it damages the store. It is for handles with something in between, or with
    /// other settings: `larder-conformance` tests the store of a binding by it, through the very driver that the binding
    /// opened.
    pub fn system_driver(&self) -> Arc<dyn Driver> {
        Arc::clone(&self.shared.driver)
    }

    /// Checks a key, and gives its canonical form (K3).
    fn canonical(&self, key: &str) -> Result<CanonicalKey, InvalidInput> {
        check_key(&self.namespace, key)?;
        Ok(CanonicalKey::from_parts(&self.namespace, key))
    }

    /// Checks a key and finds where it lives (K3).
    async fn place(&self, key: &str) -> Result<Place> {
        let key = self.canonical(key)?;
        let FoundLayout { layout, deadline } = self.shared.layout().await?;
        Ok(Place { row: RowKey { shard: layout.shard_of(&key), key }, deadline })
    }

    /// Finds where a key lives, for a write, which the layout must allow.
    async fn place_to_write(&self, key: CanonicalKey) -> Result<Place> {
        let FoundLayout { layout, deadline } = self.shared.layout().await?;
        layout.check_writer()?;
        Ok(Place { row: RowKey { shard: layout.shard_of(&key), key }, deadline })
    }

    fn reading(&self, projection: Projection) -> Read {
        Read { projection, consistency: self.consistency }
    }

    fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// Whether a server's clock counts, which is not known before it was asked, with the layout.
    fn follows_a_server(&self) -> bool {
        self.shared.driver.clock().is_some()
    }

    /// Makes sure that the clock is right before an operation is begun by it. Tells by when the operation must be done if
    /// that had to be waited for.
    async fn learn_time(&self) -> Result<Option<Instant>> {
        if self.shared.layout.initialized() || !self.follows_a_server() {
            return Ok(None);
        }
        Ok(self.shared.layout().await?.deadline)
    }

    /// The expiry of what is written now, beside what [`Kv::learn_time`] tells. The early one was worked out to refuse a
    /// TTL before anything is sent: a server's clock may have been learnt since, by this operation or by another.
    async fn settled_expiry(
        &self,
        early: Expiry,
        ttl: Option<Duration>,
    ) -> Result<(Expiry, Option<Instant>)> {
        if !self.follows_a_server() {
            return Ok((early, None));
        }
        let waited = self.learn_time().await?;
        Ok((expiry(ttl, self.now())?, waited))
    }

    /// Runs an operation in its span, times it, and says in its error what it was.
    async fn observed<T>(&self, operation: Operation, work: impl Future<Output = Result<T>>) -> Result<T> {
        let shared = &self.shared;
        let started = Instant::now();
        let span = shared.telemetry.span(operation);
        let mut work = pin!(work);
        let result = poll_fn(|context| {
            let _entered = span.enter();
            work.as_mut().poll(context)
        })
        .await;
        shared.telemetry.finished(
            operation,
            started.elapsed(),
            &span,
            result.as_ref().err().map(Error::kind),
        );
        result.map_err(|error| error.with_operation(operation).with_binding(Arc::clone(&shared.binding)))
    }

    /// The same for an operation on one key.
    async fn observed_on<T>(
        &self,
        operation: Operation,
        key: &str,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        self.observed(operation, work).await.map_err(|error| error.with_key(key, self.shared.show_full_keys))
    }
}

impl fmt::Debug for Kv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kv")
            .field("binding", &self.shared.binding)
            .field("store", &self.describe())
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

/// Settings of a handle.
#[derive(Debug)]
#[must_use]
pub struct KvBuilder {
    driver: Arc<dyn Driver>,
    clock: Arc<dyn Clock>,
    policy: RetryPolicy,
    binding: Option<Arc<str>>,
    recorder: Option<MetricsRecorder>,
    show_full_keys: bool,
}

impl KvBuilder {
    /// Names the binding in errors, spans and metrics; the platform's name unless told.
    pub fn binding(mut self, name: impl Into<Arc<str>>) -> Self {
        self.binding = Some(name.into());
        self
    }

    /// Replaces the clock (T4). A store behind a server goes by the server's: see [`Driver::clock`].
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Replaces the limits of attempts (E4). None of them is longer than a day.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.policy = policy.clamped();
        self
    }

    /// Reports metrics to this recorder, and not to the process's.
    pub fn recorder(mut self, recorder: MetricsRecorder) -> Self {
        self.recorder = Some(recorder);
        self
    }

    /// Shows whole keys in errors. They are shortened unless told, since keys of sessions are secrets (E1).
    pub fn show_full_keys(mut self) -> Self {
        self.show_full_keys = true;
        self
    }

    /// The handle. Nothing is sent before its first operation.
    pub fn build(self) -> Kv {
        let binding = self.binding.unwrap_or_else(|| self.driver.info().system.into());
        let telemetry = Telemetry::new(self.driver.info(), Arc::clone(&binding), self.recorder);
        let shared = Shared {
            budget: RetryBudget::new(self.policy.budget),
            clock: self.driver.clock().unwrap_or(self.clock),
            driver: self.driver,
            policy: self.policy,
            layout: OnceCell::new(),
            layout_failure: LayoutFailure::default(),
            timers: Timers::default(),
            telemetry,
            binding,
            show_full_keys: self.show_full_keys,
        };
        Kv { shared: Arc::new(shared), namespace: "".into(), consistency: Consistency::Strong }
    }
}
