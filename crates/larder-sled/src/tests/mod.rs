//! The store with a disk that the test commands: one that waits, fails or counts.

mod failures;
mod groups;
mod hints;
mod pending;
mod relaxed;
mod sweeping;

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use larder_core::Kv;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

use crate::disk::{Files, Sync};
use crate::driver::SledDriver;
use crate::options::SledOptions;
use crate::registry;
use crate::store::{Handle, Store};

/// How long a test waits for what has to come.
const PATIENCE: Duration = Duration::from_secs(60);

/// What becomes of a sync.
type Verdict = Box<dyn FnOnce() -> io::Result<()> + Send>;

/// A disk whose syncs wait for the test, once it says so.
#[derive(Debug)]
struct Gate {
    files: Files,
    shared: Arc<Shared>,
    arrived: UnboundedSender<()>,
    verdicts: Mutex<mpsc::Receiver<Verdict>>,
}

#[derive(Debug, Default)]
struct Shared {
    is_shut: AtomicBool,
    syncs: AtomicUsize,
}

impl Sync for Gate {
    fn sync(&self) -> io::Result<()> {
        self.shared.syncs.fetch_add(1, Ordering::SeqCst);
        if self.shared.is_shut.load(Ordering::SeqCst) {
            self.arrived.send(()).expect("the test waits for it");
            let verdict = self.verdicts.lock().expect("one sync at a time").recv();
            verdict.expect("the test decides")()?;
        }
        self.files.sync()
    }
}

/// A store behind a gate, open until the test shuts it.
///
/// The fields are dropped in this order: a test that fails while a sync waits lets it fail before the store is closed.
struct Gated {
    arrived: UnboundedReceiver<()>,
    verdicts: mpsc::Sender<Verdict>,
    kv: Kv,
    handle: Arc<Handle>,
    shared: Arc<Shared>,
}

impl Gated {
    async fn open(dir: &Path) -> Self {
        Self::open_with(dir, &SledOptions::new()).await
    }

    async fn open_with(dir: &Path, options: &SledOptions) -> Self {
        let shared = Arc::<Shared>::default();
        let (sender, arrived) = unbounded_channel();
        let (verdicts, receiver) = mpsc::channel();
        let gate = |files| -> Box<dyn Sync> {
            let shared = Arc::clone(&shared);
            Box::new(Gate { files, shared, arrived: sender, verdicts: Mutex::new(receiver) })
        };
        let handle = registry::open_with(dir, options, gate).expect("it opens");
        let kv = Kv::builder(SledDriver::on(Arc::clone(&handle))).clock(Arc::clone(&options.clock)).build();
        kv.check().await.expect("it has a layout");
        Self { arrived, verdicts, kv, handle, shared }
    }

    fn store(&self) -> &Store {
        &self.handle.store
    }

    /// Lets every sync from here on wait.
    fn shut(&self) {
        self.shared.is_shut.store(true, Ordering::SeqCst);
    }

    /// Waits until a sync waits: a group is applied, and not yet durable.
    async fn is_waiting(&mut self) {
        let arrived = timeout(PATIENCE, self.arrived.recv()).await.expect("a sync comes");
        arrived.expect("the writer is there");
    }

    /// Lets the sync go on that waits.
    fn pass(&self) {
        self.decide(|| Ok(()));
    }

    /// The same, and those that come.
    fn open_for_good(&self) {
        self.shared.is_shut.store(false, Ordering::SeqCst);
        self.pass();
    }

    fn decide(&self, verdict: impl FnOnce() -> io::Result<()> + Send + 'static) {
        self.verdicts.send(Box::new(verdict)).expect("a sync waits");
    }

    fn syncs(&self) -> usize {
        self.shared.syncs.load(Ordering::SeqCst)
    }
}

/// Lets every task that can go on do so, until it waits for the writer.
async fn settle() {
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
}
