//! Making and removing a table.

use std::fmt;

use async_trait::async_trait;
use larder_core::driver::{DriverError, RowKey, Shard};
use larder_core::provision::{
    Confirmed, Goal, Plan, Progress, Provisioner, Step, apply_layout, ask, default_patience, new_layout,
    plan_layout, refuse_strangers, wait_for,
};
use larder_core::{CanonicalKey, Error, ErrorKind, Kv, LAYOUT_RECORD, Result, RetryPolicy};

use crate::codec::META;
use crate::driver::TablesDriver;
use crate::error::{Failure, failed};
use crate::options::TablesOptions;

const TABLE: &str = "table";
/// What is said of a table that somebody removes.
const GOING: &str = "is being removed";

/// Makes and removes a table of Azure Table Storage, in an account that is there.
///
/// A table has no settings of its own: it is made, and gets the layout record with the shards of the options. Removing one
/// takes the service a while, in which its name cannot be used; making it again waits for that.
pub struct TablesProvisioner {
    driver: TablesDriver,
    shards: u16,
    patience: RetryPolicy,
}

/// Whether a table is there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    Present,
    Absent,
    BeingDeleted,
}

impl TablesProvisioner {
    /// Prepares to make the table of these options, with their number of shards.
    ///
    /// # Errors
    ///
    /// As [`TablesDriver::open`].
    pub async fn open(options: TablesOptions) -> Result<Self> {
        let shards = options.shards;
        let driver = TablesDriver::open(options).await?;
        Ok(Self { driver, shards, patience: default_patience() })
    }

    /// How long to ask and to wait; 5 minutes unless told.
    #[must_use]
    pub fn patience(mut self, patience: RetryPolicy) -> Self {
        self.patience = patience;
        self
    }

    /// A handle that has not looked yet: one that has remembers a layout record that may be gone.
    fn kv(&self) -> Kv {
        Kv::new(self.driver.clone())
    }

    fn plan_of(&self, steps: Vec<Step>) -> Plan {
        Plan::new(self.driver.place.to_string(), steps)
    }

    /// Looks for the table by its layout record: a signature for the table's rows may not be one to list tables with.
    async fn presence(&self) -> Result<Presence> {
        let key = CanonicalKey::from_canonical(LAYOUT_RECORD)
            .ok_or_else(|| Error::new(ErrorKind::Internal, "the layout record has no name"))?;
        let row = RowKey { shard: Shard::SYSTEM, key };
        ask(&self.patience, || async {
            match self.driver.client.get(&row, Some(META)).await {
                Ok(_) => Ok(Presence::Present),
                Err(failure) => match failure.refusal() {
                    Some(refusal) if refusal.is_missing_row() => Ok(Presence::Present),
                    Some(refusal) if refusal.is(404, &["TableNotFound"]) => Ok(Presence::Absent),
                    Some(refusal) if refusal.is(409, BEING_DELETED) => Ok(Presence::BeingDeleted),
                    _ => Err(failed(failure, &self.driver.place)),
                },
            }
        })
        .await
    }

    /// Asks for the table to be made. One that is there already is as good.
    async fn create(&self) -> Result<()> {
        ask(&self.patience, || async {
            match self.driver.client.create_table().await {
                Ok(()) => Ok(()),
                Err(failure) => match failure.refusal() {
                    Some(refusal) if refusal.is(409, &["TableAlreadyExists"]) => Ok(()),
                    _ => Err(self.refused(failure)),
                },
            }
        })
        .await
    }

    /// Asks for the table to be removed. One that is gone, or going, is as good.
    async fn delete(&self) -> Result<()> {
        ask(&self.patience, || async {
            match self.driver.client.delete_table().await {
                Ok(()) => Ok(()),
                Err(failure) => match failure.refusal() {
                    Some(refusal)
                        if refusal.is(404, &["ResourceNotFound", "TableNotFound"])
                            || refusal.is(409, BEING_DELETED) =>
                    {
                        Ok(())
                    }
                    _ => Err(self.refused(failure)),
                },
            }
        })
        .await
    }

    /// The error of a request for a table as a whole: what is being removed will have been.
    fn refused(&self, failure: Failure) -> DriverError {
        match failure.refusal() {
            Some(refusal) if refusal.is(409, BEING_DELETED) => DriverError::refused(
                ErrorKind::Unavailable,
                format!(
                    "{} is still being removed, and cannot be made anew yet; try again later",
                    self.driver.place
                ),
            ),
            _ => failed(failure, &self.driver.place),
        }
    }
}

const BEING_DELETED: &[&str] = &["TableBeingDeleted"];

#[async_trait]
impl Provisioner for TablesProvisioner {
    fn name(&self) -> &str {
        &self.driver.place.table
    }

    async fn plan(&self, goal: Goal) -> Result<Plan> {
        let presence = self.presence().await?;
        let steps = match (goal, presence) {
            (Goal::Absent, Presence::Absent) => {
                return Ok(Plan::nothing_there(self.driver.place.to_string()));
            }
            (Goal::Absent, Presence::BeingDeleted) => vec![Step::pending(TABLE, GOING)],
            (Goal::Absent, Presence::Present) => match refuse_strangers(&self.kv()).await? {
                // What was removed meanwhile has no layout record either.
                Some(_) if self.presence().await? != Presence::Present => vec![Step::pending(TABLE, GOING)],
                Some(stranger) => vec![stranger],
                None => vec![Step::delete(TABLE, "with all that is in it")],
            },
            (Goal::Present, Presence::Present) => {
                vec![Step::keep(TABLE, "is there"), plan_layout(&self.kv(), self.shards).await?]
            }
            (Goal::Present, Presence::BeingDeleted) => {
                vec![
                    Step::create(TABLE, "once the one that is being removed is gone"),
                    new_layout(self.shards),
                ]
            }
            (Goal::Present, Presence::Absent) => vec![Step::create(TABLE, "empty"), new_layout(self.shards)],
        };
        Ok(self.plan_of(steps))
    }

    async fn apply(&self) -> Result<Plan> {
        let planned = self.plan(Goal::Present).await?.without_conflict()?;
        let mut done = Vec::new();
        if let Some(table) = planned.steps.into_iter().find(|step| step.part == TABLE) {
            if table.is_change() {
                self.create().await?;
            }
            done.push(table);
        }
        done.push(apply_layout(&self.kv(), self.shards).await?);
        Ok(self.plan_of(done))
    }

    async fn remove(&self, _: Confirmed) -> Result<Plan> {
        let mut plan = self.plan(Goal::Absent).await?.without_conflict()?;
        if plan.has_changes() {
            self.delete().await?;
        }
        // Gone to everybody at once; only its name is taken for a while.
        let gone = wait_for(&self.patience, || async {
            Ok(if self.presence().await? == Presence::Present { Progress::Going } else { Progress::Done(()) })
        });
        if gone.await? == Progress::Going {
            plan.steps.push(Step::pending(TABLE, "is still being removed"));
        }
        Ok(plan)
    }
}

impl fmt::Debug for TablesProvisioner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TablesProvisioner")
            .field("place", &self.driver.place.to_string())
            .finish_non_exhaustive()
    }
}
