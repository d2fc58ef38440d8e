//! Durable writes by many at once.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use larder_core::PutOptions;
use larder_sled::Durability;
use tokio::sync::{mpsc, oneshot};

use super::store::{key, open, open_raw, runtime};
use crate::Outcome;

const WRITERS: usize = 64;
pub(super) const WRITES_OF_GROUPS: usize = 1_000;
const WRITES_OF_EACH: usize = 20;

fn value(writer: usize, number: usize) -> Vec<u8> {
    format!("{writer:08}-{number:08}-{}", "x".repeat(82)).into_bytes()
}

#[expect(clippy::cast_precision_loss, reason = "a count of writes is small")]
fn per_second(writes: usize, started: Instant) -> f64 {
    writes as f64 / started.elapsed().as_secs_f64()
}

/// Larder's writes per second.
pub(super) fn larder(dir: &Path) -> Outcome<f64> {
    let dir = tempfile::tempdir_in(dir)?;
    runtime()?.block_on(async {
        let kv = open(dir.path(), Durability::Flush).await?;
        let started = Instant::now();
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let kv = kv.clone();
                tokio::spawn(async move {
                    for number in 0..WRITES_OF_GROUPS {
                        let key = key(writer * WRITES_OF_GROUPS + number);
                        kv.put(key, value(writer, number), PutOptions::new()).await?;
                    }
                    Ok::<_, larder_core::Error>(())
                })
            })
            .collect();
        for writer in writers {
            writer.await??;
        }
        Ok(per_second(WRITERS * WRITES_OF_GROUPS, started))
    })
}

/// What somebody writes by hand: one thread that inserts up to `group` of what has come, flushes, syncs and answers.
pub(super) fn bare_writer(group: usize, writes: usize, dir: &Path) -> Outcome<f64> {
    let group_size = group;
    type Put = (String, Vec<u8>, oneshot::Sender<()>);
    let dir = tempfile::tempdir_in(dir)?;
    let (db, data) = open_raw(dir.path())?;
    let file = File::open(dir.path().join("db"))?;
    let (sender, mut puts) = mpsc::channel::<Put>(1_024);
    let committer = thread::spawn(move || {
        let mut group = Vec::new();
        while puts.blocking_recv_many(&mut group, group_size) > 0 {
            let mut replies = Vec::with_capacity(group.len());
            while !group.is_empty() {
                for (key, value, reply) in group.drain(..) {
                    data.insert(key, value)?;
                    replies.push(reply);
                }
                // As Larder does: whoever came meanwhile is in the same group.
                while replies.len() + group.len() < group_size
                    && let Ok(put) = puts.try_recv()
                {
                    group.push(put);
                }
            }
            db.flush()?;
            file.sync_data()?;
            for reply in replies {
                let _ = reply.send(());
            }
        }
        Ok::<_, sled::Error>(())
    });
    let rate = runtime()?.block_on(async move {
        let started = Instant::now();
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let sender = sender.clone();
                tokio::spawn(async move {
                    for number in 0..writes {
                        let key = key(writer * writes + number);
                        let (reply, done) = oneshot::channel();
                        let _ = sender.send((key, value(writer, number), reply)).await;
                        done.await?;
                    }
                    Ok::<_, oneshot::error::RecvError>(())
                })
            })
            .collect();
        drop(sender);
        for writer in writers {
            writer.await??;
        }
        Ok::<_, crate::Failure>(per_second(WRITERS * writes, started))
    })?;
    committer.join().map_err(|_| "the committer panicked")??;
    Ok(rate)
}

/// 64 threads that each flush and sync after every write; sled and the kernel share some of that work between them.
pub(super) fn flush_at_once(dir: &Path) -> Outcome<f64> {
    let dir = tempfile::tempdir_in(dir)?;
    let (db, data) = open_raw(dir.path())?;
    let file = Arc::new(File::open(dir.path().join("db"))?);
    let started = Instant::now();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (db, data, file) = (db.clone(), data.clone(), Arc::clone(&file));
            thread::spawn(move || {
                for number in 0..WRITES_OF_EACH {
                    data.insert(key(writer * WRITES_OF_EACH + number), value(writer, number))?;
                    db.flush()?;
                    file.sync_data()?;
                }
                Ok::<_, sled::Error>(())
            })
        })
        .collect();
    for writer in writers {
        writer.join().map_err(|_| "a writer panicked")??;
    }
    Ok(per_second(WRITERS * WRITES_OF_EACH, started))
}
