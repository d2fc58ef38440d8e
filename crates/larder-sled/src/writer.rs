//! The one writer of a store: a thread that commits in groups.
//!
//! While one group is on its way to the disk the next one gathers, so that the cost of a flush is shared by all that wait.
//! Conditions are evaluated here, one after the other, so that no two writers can both see a key absent (P3).

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use larder_core::driver::{DriverError, Increment, IncrementReply, RowKey, Swept, WriteReply};
use larder_core::{ErrorKind, Timestamp};
use tokio::sync::{mpsc, oneshot};

use crate::disk::Sync;
use crate::error::{failed, trouble};
use crate::group::Group;
use crate::options::Durability;
use crate::store::{Joined, Store};
use crate::write::PreparedWrite;

/// How many commands wait before callers have to.
const QUEUE: usize = 1_024;
/// How many commands one group takes at most, and behind how many bytes it takes no more.
const GROUP: usize = 512;
const GROUP_BYTES: usize = 16 * 1024 * 1024;

type Reply<T> = oneshot::Sender<Result<T, DriverError>>;

/// What the writer is asked to do.
enum Command {
    Write {
        write: PreparedWrite,
        reply: Reply<WriteReply>,
    },
    Increment {
        key: RowKey,
        increment: Increment,
        now: Timestamp,
        reply: Reply<IncrementReply>,
    },
    Batch {
        writes: Vec<PreparedWrite>,
        reply: Reply<Vec<WriteReply>>,
    },
    Sweep {
        now: Timestamp,
        limit: usize,
        reply: Reply<Swept>,
    },
    /// Makes durable what the relaxed mode has acknowledged.
    Flush {
        reply: Reply<()>,
    },
    Plant {
        key: RowKey,
        raw: Vec<u8>,
        reply: Reply<()>,
    },
}

/// A way to the writer. The thread ends when the last one is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Writer(mpsc::Sender<Command>);

impl Writer {
    /// Starts the writer's thread.
    pub(crate) fn start(store: Arc<Store>, sync: Box<dyn Sync>) -> io::Result<(Joined, Self)> {
        let (sender, commands) = mpsc::channel(QUEUE);
        let thread = Joined::start("larder-writer", move || run(&store, &*sync, commands))?;
        Ok((thread, Self(sender)))
    }

    pub(crate) async fn write(&self, write: PreparedWrite) -> Result<WriteReply, DriverError> {
        self.ask(|reply| Command::Write { write, reply }).await
    }

    pub(crate) async fn increment(
        &self,
        key: RowKey,
        increment: Increment,
        now: Timestamp,
    ) -> Result<IncrementReply, DriverError> {
        self.ask(|reply| Command::Increment { key, increment, now, reply }).await
    }

    pub(crate) async fn batch(&self, writes: Vec<PreparedWrite>) -> Result<Vec<WriteReply>, DriverError> {
        self.ask(|reply| Command::Batch { writes, reply }).await
    }

    pub(crate) async fn sweep(&self, now: Timestamp, limit: usize) -> Result<Swept, DriverError> {
        self.ask(|reply| Command::Sweep { now, limit, reply }).await
    }

    pub(crate) async fn plant(&self, key: RowKey, raw: Vec<u8>) -> Result<(), DriverError> {
        self.ask(|reply| Command::Plant { key, raw, reply }).await
    }

    /// [`Writer::sweep`] for a thread of its own.
    pub(crate) fn sweep_blocking(&self, now: Timestamp, limit: usize) -> Result<Swept, DriverError> {
        let (reply, answer) = oneshot::channel();
        self.0.blocking_send(Command::Sweep { now, limit, reply }).map_err(|_| stopped())?;
        answer.blocking_recv().map_err(|_| lost())?
    }

    /// Makes durable what the relaxed mode has acknowledged. Blocks.
    pub(crate) fn flush_blocking(&self) -> Result<(), DriverError> {
        let (reply, answer) = oneshot::channel();
        self.0.blocking_send(Command::Flush { reply }).map_err(|_| stopped())?;
        answer.blocking_recv().map_err(|_| lost())?
    }

    async fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, DriverError> {
        let (reply, answer) = oneshot::channel();
        self.0.send(command(reply)).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| lost())?
    }
}

fn stopped() -> DriverError {
    DriverError::refused(ErrorKind::Internal, "the store's writer has stopped; open the store again")
}

fn lost() -> DriverError {
    DriverError::unknown(
        ErrorKind::Internal,
        "the store's writer stopped during the write; open the store again",
    )
}

/// An answer that waits for its group to be durable.
enum Answer {
    Write(Reply<WriteReply>, WriteReply),
    Increment(Reply<IncrementReply>, IncrementReply),
    Batch(Reply<Vec<WriteReply>>, Vec<WriteReply>),
    Sweep(Reply<Swept>, Swept),
    Done(Reply<()>),
}

impl Answer {
    /// Answers, or says that nobody knows: a group whose flush failed may be found applied when the store is opened again.
    /// The caller may be gone, which is its own affair.
    fn send(self, failure: Option<&DriverError>) {
        fn to<T>(reply: Reply<T>, answer: T, failure: Option<&DriverError>) {
            let _ = reply.send(failure.map_or(Ok(answer), |error| Err(error.clone())));
        }
        match self {
            Self::Write(reply, answer) => to(reply, answer, failure),
            Self::Increment(reply, answer) => to(reply, answer, failure),
            Self::Batch(reply, answer) => to(reply, answer, failure),
            Self::Sweep(reply, answer) => to(reply, answer, failure),
            Self::Done(reply) => to(reply, (), failure),
        }
    }
}

impl Command {
    /// Works the command out within its group; what cannot be is answered at once.
    fn stage(self, group: &mut Group<'_>) -> Option<Answer> {
        fn staged<T>(
            reply: Reply<T>,
            result: Result<T, DriverError>,
            answer: fn(Reply<T>, T) -> Answer,
        ) -> Option<Answer> {
            match result {
                Ok(result) => Some(answer(reply, result)),
                Err(error) => {
                    let _ = reply.send(Err(error));
                    None
                }
            }
        }
        match self {
            Self::Write { write, reply } => staged(reply, group.write(write), Answer::Write),
            Self::Increment { key, increment, now, reply } => {
                staged(reply, group.increment(&key, &increment, now), Answer::Increment)
            }
            Self::Batch { writes, reply } => staged(reply, group.write_all(writes), Answer::Batch),
            Self::Sweep { now, limit, reply } => staged(reply, group.sweep(now, limit), Answer::Sweep),
            Self::Plant { key, raw, reply } => {
                staged(reply, group.plant(&key, &raw), |reply, ()| Answer::Done(reply))
            }
            Self::Flush { reply } => {
                group.flush();
                Some(Answer::Done(reply))
            }
        }
    }

    fn refuse(self, error: DriverError) {
        match self {
            Self::Write { reply, .. } => drop(reply.send(Err(error))),
            Self::Increment { reply, .. } => drop(reply.send(Err(error))),
            Self::Batch { reply, .. } => drop(reply.send(Err(error))),
            Self::Sweep { reply, .. } => drop(reply.send(Err(error))),
            Self::Flush { reply } | Self::Plant { reply, .. } => drop(reply.send(Err(error))),
        }
    }

    /// How many bytes of records it writes.
    fn bytes(&self) -> usize {
        match self {
            Self::Write { write, .. } => write.bytes(),
            Self::Batch { writes, .. } => writes.iter().map(PreparedWrite::bytes).sum(),
            Self::Increment { .. } | Self::Sweep { .. } | Self::Flush { .. } | Self::Plant { .. } => 0,
        }
    }
}

fn run(store: &Store, sync: &dyn Sync, mut commands: mpsc::Receiver<Command>) {
    let mut owes = false;
    while let Some(first) = commands.blocking_recv() {
        if let Err(error) = store.check() {
            first.refuse(error);
            continue;
        }
        let mut answers = Vec::new();
        let worked = catch_unwind(AssertUnwindSafe(|| {
            let group = gather(store, first, &mut commands, &mut answers);
            commit(store, sync, group, &mut owes)
        }));
        // sled panics where it finds its own state to be impossible.
        let failure = worked.unwrap_or_else(|_| Err(in_doubt("sled panicked; open the store again"))).err();
        if let Some(cause) = &failure {
            store.poison(&cause.message);
        }
        answers.into_iter().for_each(|answer| answer.send(failure.as_ref()));
    }
    // The relaxed mode owes the disk what it has acknowledged; nobody is left to be told of a failure.
    if store.durability == Durability::Interval && store.check().is_ok() {
        let flushed = store.db.flush().map_err(io::Error::from).and_then(|_| sync.sync());
        if let Err(error) = flushed {
            store.poison(&trouble(&error).1);
        }
    }
}

/// Works out the commands that wait, and those that come meanwhile.
///
/// Callers that were answered with the group before come back while this one is being worked out. Left for the next group,
/// they would fall into two halves that take turns at the disk.
fn gather<'a>(
    store: &'a Store,
    first: Command,
    commands: &mut mpsc::Receiver<Command>,
    answers: &mut Vec<Answer>,
) -> Group<'a> {
    let mut group = Group::new(store);
    let mut next = Some(first);
    let mut taken = 0;
    let mut bytes = 0;
    while let Some(command) = next {
        taken += 1;
        bytes += command.bytes();
        answers.extend(command.stage(&mut group));
        next = if taken < GROUP && bytes < GROUP_BYTES { commands.try_recv().ok() } else { None };
    }
    group
}

/// The answer to a group of which nobody knows whether it will be found when the store is opened again.
fn in_doubt(message: impl Into<String>) -> DriverError {
    DriverError::unknown(ErrorKind::Unavailable, message).permanent()
}

/// Applies a group and makes it durable. The relaxed mode owes that until it is asked to flush.
fn commit(store: &Store, sync: &dyn Sync, group: Group<'_>, owes: &mut bool) -> Result<(), DriverError> {
    if group.is_empty() && !(group.is_flushed() && *owes) {
        return Ok(());
    }
    let failed = |error: sled::Error| in_doubt(failed(&error).message);
    let flushes = store.durability == Durability::Flush || group.is_flushed();
    if store.durability == Durability::Flush {
        store.pending.publish(group.before());
    }
    group.apply().map_err(failed)?;
    *owes = !flushes;
    if !flushes {
        return Ok(());
    }
    store.db.flush().map_err(failed)?;
    sync.sync().map_err(|error| in_doubt(trouble(&error).1))?;
    // Only now: after a failure readers go on seeing what was durable, until they see that the store has stopped.
    store.pending.withdraw();
    Ok(())
}
