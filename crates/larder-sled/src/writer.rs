//! The one writer of a store: a thread that commits in groups.
//!
//! While one group is on its way to the disk the next one gathers, so that the cost of a flush is shared by all that wait.
//! Conditions are evaluated here, one after the other, so that no two writers can both see a key absent (P3).

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use larder_core::driver::{DriverError, Increment, IncrementReply, RowKey, Swept, Write, WriteReply};
use larder_core::{ErrorKind, Timestamp};
use tokio::sync::{mpsc, oneshot};

use crate::disk::Sync;
use crate::group::Group;
use crate::options::Durability;
use crate::store::{Joined, Store};

/// How many commands wait before callers have to.
const QUEUE: usize = 1_024;
/// How many commands one group takes at most.
const GROUP: usize = 512;

/// The part of the last commit's time that the next one may spend on gathering: one third, and never longer than this.
const GATHER_SHARE: u32 = 3;
const GATHER_AT_MOST: Duration = Duration::from_micros(500);

type Reply<T> = oneshot::Sender<Result<T, DriverError>>;

/// What the writer is asked to do.
enum Command {
    Write { key: RowKey, write: Write, now: Timestamp, reply: Reply<WriteReply> },
    Increment { key: RowKey, increment: Increment, now: Timestamp, reply: Reply<IncrementReply> },
    Batch { writes: Vec<(RowKey, Write)>, now: Timestamp, reply: Reply<Vec<WriteReply>> },
    Sweep { now: Timestamp, limit: usize, reply: Reply<Swept> },
    Plant { key: RowKey, raw: Vec<u8>, reply: Reply<()> },
}

/// A way to the writer. The thread ends when the last one is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Writer(mpsc::Sender<Command>);

impl Writer {
    /// Starts the writer's thread.
    pub(crate) fn start(store: Arc<Store>, sync: Box<dyn Sync>) -> io::Result<(Self, Joined)> {
        let (sender, commands) = mpsc::channel(QUEUE);
        let thread = Joined::start("larder-writer", move || run(&store, &*sync, commands))?;
        Ok((Self(sender), thread))
    }

    pub(crate) async fn write(
        &self,
        key: RowKey,
        write: Write,
        now: Timestamp,
    ) -> Result<WriteReply, DriverError> {
        self.ask(|reply| Command::Write { key, write, now, reply }).await
    }

    pub(crate) async fn increment(
        &self,
        key: RowKey,
        increment: Increment,
        now: Timestamp,
    ) -> Result<IncrementReply, DriverError> {
        self.ask(|reply| Command::Increment { key, increment, now, reply }).await
    }

    pub(crate) async fn batch(
        &self,
        writes: Vec<(RowKey, Write)>,
        now: Timestamp,
    ) -> Result<Vec<WriteReply>, DriverError> {
        self.ask(|reply| Command::Batch { writes, now, reply }).await
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
    Plant(Reply<()>),
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
            Self::Plant(reply) => to(reply, (), failure),
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
            Self::Write { key, write, now, reply } => {
                staged(reply, group.write(&key, &write, now), Answer::Write)
            }
            Self::Increment { key, increment, now, reply } => {
                staged(reply, group.increment(&key, &increment, now), Answer::Increment)
            }
            Self::Batch { writes, now, reply } => {
                let results = writes.iter().map(|(key, write)| group.write(key, write, now)).collect();
                staged(reply, results, Answer::Batch)
            }
            Self::Sweep { now, limit, reply } => staged(reply, group.sweep(now, limit), Answer::Sweep),
            Self::Plant { key, raw, reply } => {
                staged(reply, group.plant(&key, &raw), |reply, ()| Answer::Plant(reply))
            }
        }
    }

    fn refuse(self, error: DriverError) {
        match self {
            Self::Write { reply, .. } => drop(reply.send(Err(error))),
            Self::Increment { reply, .. } => drop(reply.send(Err(error))),
            Self::Batch { reply, .. } => drop(reply.send(Err(error))),
            Self::Sweep { reply, .. } => drop(reply.send(Err(error))),
            Self::Plant { reply, .. } => drop(reply.send(Err(error))),
        }
    }
}

fn run(store: &Store, sync: &dyn Sync, mut commands: mpsc::Receiver<Command>) {
    let mut waiting = Vec::with_capacity(GROUP);
    let mut last = LastGroup::default();
    while commands.blocking_recv_many(&mut waiting, GROUP) > 0 {
        last.gather(&mut commands, &mut waiting);
        if let Err(error) = store.check() {
            waiting.drain(..).for_each(|command| command.refuse(error.clone()));
            continue;
        }
        let started = Instant::now();
        let mut group = Group::new(store);
        let answers: Vec<Answer> =
            waiting.drain(..).filter_map(|command| command.stage(&mut group)).collect();
        let failure = commit(store, sync, group).err();
        if let Some(cause) = &failure {
            store.poison(&cause.message);
        }
        last = LastGroup { answered: answers.len(), took: started.elapsed() };
        answers.into_iter().for_each(|answer| answer.send(failure.as_ref()));
    }
}

/// The group before, by which the next one is gathered.
#[derive(Default)]
struct LastGroup {
    answered: usize,
    took: Duration,
}

impl LastGroup {
    /// Waits a little for callers that were just answered and are about to write again.
    ///
    /// Without it, many busy callers fall into two halves that take turns at the disk, each group half as large as it could
    /// be. A lone caller is never waited for, and nobody waits for more than a part of what the commit takes anyway.
    fn gather(&self, commands: &mut mpsc::Receiver<Command>, waiting: &mut Vec<Command>) {
        if self.answered < 2 {
            return;
        }
        let expected = (waiting.len() + self.answered).min(GROUP);
        let until = Instant::now() + (self.took / GATHER_SHARE).min(GATHER_AT_MOST);
        while waiting.len() < expected {
            match commands.try_recv() {
                Ok(command) => waiting.push(command),
                Err(_) if Instant::now() >= until => return,
                Err(_) => thread::yield_now(),
            }
        }
    }
}

/// Applies a group and makes it durable.
fn commit(store: &Store, sync: &dyn Sync, group: Group<'_>) -> Result<(), DriverError> {
    if group.is_empty() {
        return Ok(());
    }
    let in_doubt = |message: String| DriverError::unknown(ErrorKind::Unavailable, message).permanent();
    if store.durability == Durability::Interval {
        return group.apply().map_err(|error| in_doubt(error.to_string()));
    }
    store.pending.publish(group.before());
    group.apply().map_err(|error| in_doubt(error.to_string()))?;
    store.db.flush().map_err(|error| in_doubt(error.to_string()))?;
    sync.sync().map_err(|error| in_doubt(error.to_string()))?;
    // Only now: after a failure readers go on seeing what was durable, until they see that the store has stopped.
    store.pending.withdraw();
    Ok(())
}
