//! One operation again and again, by one task or by many at once.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::runtime::Builder;

use super::meter::cpu_micros;
use super::table::Table;
use super::{by_hand, ours};
use crate::Outcome;

pub(super) const VALUE_BYTES: usize = 1_024;
/// How many keys an operation on many keys has.
pub(super) const MANY: usize = 100;

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Op {
    Get,
    Exists,
    Put,
    Create,
    CompareAndSet,
    Touch,
    Delete,
    Increment,
    Page,
    GetMany,
    PutMany,
}

impl Op {
    pub(super) const ALL: [Self; 11] = [
        Self::Get,
        Self::Exists,
        Self::Put,
        Self::Create,
        Self::CompareAndSet,
        Self::Touch,
        Self::Delete,
        Self::Increment,
        Self::Page,
        Self::GetMany,
        Self::PutMany,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Exists => "exists",
            Self::Put => "put",
            Self::Create => "put if absent",
            Self::CompareAndSet => "put if version",
            Self::Touch => "touch",
            Self::Delete => "delete",
            Self::Increment => "increment",
            Self::Page => "page of 100",
            Self::GetMany => "get_many of 100",
            Self::PutMany => "put_many of 100",
        }
    }

    pub(super) fn named(name: &str) -> Outcome<Self> {
        Self::ALL
            .into_iter()
            .find(|op| op.name() == name)
            .ok_or_else(|| format!("no operation {name:?}").into())
    }

    /// How often it is done in one measurement.
    fn times(self) -> usize {
        match self {
            Self::Page | Self::GetMany | Self::PutMany => 64,
            _ => 1_024,
        }
    }
}

/// The key of a task's turn.
pub(super) fn key(task: usize, turn: usize) -> String {
    format!("user:{task:03}:{turn:06}")
}

pub(super) fn value(turn: usize) -> Vec<u8> {
    let mut value = vec![b'x'; VALUE_BYTES];
    value[..8].copy_from_slice(&turn.to_be_bytes());
    value
}

/// One task's work: the same number of turns each, on keys of its own.
type Work = Pin<Box<dyn Future<Output = Outcome<()>> + Send>>;

fn work(table: &Arc<Table>, op: Op, task: usize, turns: std::ops::Range<usize>, ours: bool) -> Work {
    let table = Arc::clone(table);
    if ours {
        Box::pin(ours::work(table, op, task, turns))
    } else {
        Box::pin(by_hand::work(table, op, task, turns))
    }
}

/// What has to be there before the operation.
async fn prepare(table: &Table, op: Op, task: usize, turns: usize) -> Outcome<()> {
    let keys: Vec<usize> = match op {
        Op::Get | Op::Exists | Op::Touch | Op::Delete => (0..turns).collect(),
        Op::CompareAndSet => vec![0],
        Op::Page | Op::GetMany => (0..MANY).collect(),
        Op::Put | Op::Create | Op::Increment | Op::PutMany => Vec::new(),
    };
    let entries = keys.into_iter().map(|turn| (key(task, turn), value(turn)));
    for result in table.kv.put_many(entries, None).await? {
        result?;
    }
    Ok(())
}

/// Microseconds of processor time that one operation takes of this process.
pub(super) fn cpu(op: Op, tasks: usize, ours: bool) -> Outcome<f64> {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let turns = op.times() / tasks;
    // Connections are made and code is loaded before anything counts.
    let warm = turns.div_ceil(4);
    runtime.block_on(async {
        let table = Arc::new(Table::create().await?);
        for task in 0..tasks {
            prepare(&table, op, task, turns + warm).await?;
        }
        at_once(&table, op, tasks, 0..warm, ours).await?;
        let before = cpu_micros()?;
        at_once(&table, op, tasks, warm..warm + turns, ours).await?;
        per_operation(cpu_micros()? - before, tasks * turns)
    })
}

async fn at_once(
    table: &Arc<Table>,
    op: Op,
    tasks: usize,
    turns: std::ops::Range<usize>,
    ours: bool,
) -> Outcome<()> {
    let running: Vec<_> =
        (0..tasks).map(|task| tokio::spawn(work(table, op, task, turns.clone(), ours))).collect();
    for task in running {
        task.await??;
    }
    Ok(())
}

/// Allocations that one operation makes, on one thread.
pub(super) fn allocations(op: Op, ours: bool) -> Outcome<f64> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let turns = op.times() / 8;
    let table = runtime.block_on(async {
        let table = Arc::new(Table::create().await?);
        prepare(&table, op, 0, turns + turns).await?;
        work(&table, op, 0, 0..turns, ours).await?;
        Ok::<_, crate::Failure>(table)
    })?;
    let mut outcome = Ok(());
    let counted = allocation_counter::measure(|| {
        outcome = runtime.block_on(work(&table, op, 0, turns..turns + turns, ours));
    });
    outcome?;
    per_operation(counted.count_total as f64, turns)
}

#[expect(clippy::cast_precision_loss, reason = "a count of operations is small")]
fn per_operation(total: f64, operations: usize) -> Outcome<f64> {
    Ok(total / operations as f64)
}
