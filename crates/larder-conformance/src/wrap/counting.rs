//! A driver that notes what it is asked.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use larder_core::driver::{Driver, Mutation, Read};

use super::{Call, Hook, Method, Verdict};

/// Counts the calls on a driver, and notes how they read.
#[derive(Debug, Default)]
pub struct Counting(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    calls: [usize; Method::ALL.len()],
    layout_reads: usize,
    reads: Vec<Read>,
    largest_batch: usize,
    most_batch_bytes: usize,
}

impl Counting {
    /// Nothing counted yet.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// How often a method was called.
    pub fn calls(&self, method: Method) -> usize {
        self.lock().calls[method as usize]
    }

    /// How often any method was called.
    pub fn total(&self) -> usize {
        self.lock().calls.iter().sum()
    }

    /// How often one of Larder's own records was read; these are among the [`Method::Get`] too.
    pub fn layout_reads(&self) -> usize {
        self.lock().layout_reads
    }

    /// How every read of users' records was asked for, scans and batches included.
    pub fn reads(&self) -> Vec<Read> {
        self.lock().reads.clone()
    }

    /// The most positions that a batch had.
    pub fn largest_batch(&self) -> usize {
        self.lock().largest_batch
    }

    /// The most bytes of keys and values that a batch of writes of more than one position had.
    pub fn most_batch_bytes(&self) -> usize {
        self.lock().most_batch_bytes
    }

    /// Forgets everything.
    pub fn reset(&self) {
        *self.lock() = Counts::default();
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Hook for Counting {
    async fn before(&self, call: Call<'_>, _: &dyn Driver) -> Verdict {
        let mut counts = self.lock();
        counts.calls[call.method() as usize] += 1;
        match call {
            Call::Get(..) if call.is_system() => counts.layout_reads += 1,
            Call::Get(_, read) => counts.reads.push(read),
            Call::Scan(request) => counts.reads.push(request.read),
            Call::GetBatch(keys, read) => {
                counts.reads.push(read);
                counts.largest_batch = counts.largest_batch.max(keys.len());
            }
            Call::WriteBatch(writes, _) => {
                counts.largest_batch = counts.largest_batch.max(writes.len());
                let size = |mutation: &Mutation| match mutation {
                    Mutation::Put { value, .. } => value.len(),
                    Mutation::Touch { .. } | Mutation::Delete => 0,
                };
                if writes.len() > 1 {
                    let bytes =
                        writes.iter().map(|(row, write)| row.key.as_bytes().len() + size(&write.mutation));
                    counts.most_batch_bytes = counts.most_batch_bytes.max(bytes.sum());
                }
            }
            Call::Write(..) | Call::Increment(..) | Call::IsEmpty | Call::Sweep | Call::Check => {}
        }
        Verdict::Pass
    }
}
