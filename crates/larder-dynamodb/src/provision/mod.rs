//! Making, mending and removing a table.
//!
//! Every request says what is to be, so that one whose reply was lost can be sent again, and a second `apply` finds
//! nothing to do. The parts are settled one after the other, each from what is there at that moment.

mod parts;
mod requests;
mod spec;

use std::fmt;

use async_trait::async_trait;
use aws_sdk_dynamodb::types::{TableDescription, TableStatus};
use larder_core::provision::{
    Confirmed, Goal, Plan, Progress, Provisioner, Reaper, Step, apply_layout, default_patience, new_layout,
    plan_layout, refuse_strangers, wait_for,
};
use larder_core::{Error, ErrorKind, Kv, Result, RetryPolicy};

use self::parts::{LACKS, TABLE, is_protected, wrong_key};
pub use self::spec::{Protection, TableSpec};
use crate::driver::DynamoDbDriver;
use crate::options::DynamoDbOptions;

const MADE: &str = "on demand, primary key pk and sk";

/// What is said of a table that somebody removes.
const GOING: &str = "is being removed";

/// Makes, mends and removes a table of Amazon DynamoDB.
///
/// A table is billed on demand, has TTL on `ttl`, point-in-time recovery and its tags, and the layout record with the
/// shards of the options. What differs is mended, but for the primary key and the number of shards, which are for good.
pub struct DynamoDbProvisioner {
    driver: DynamoDbDriver,
    shards: u16,
    spec: TableSpec,
    patience: RetryPolicy,
}

impl DynamoDbProvisioner {
    /// Prepares to make the table of these options, with their number of shards.
    ///
    /// # Errors
    ///
    /// As [`DynamoDbDriver::open`]; `InvalidInput` for tags that DynamoDB does not take.
    pub async fn open(options: DynamoDbOptions, spec: TableSpec) -> Result<Self> {
        spec.check()?;
        let shards = options.shards;
        let driver = DynamoDbDriver::open(options).await?;
        Ok(Self { driver, shards, spec, patience: default_patience() })
    }

    /// How long to ask and to wait; 5 minutes unless told.
    #[must_use]
    pub fn patience(mut self, patience: RetryPolicy) -> Self {
        self.patience = patience;
        self
    }

    /// Whether DynamoDB removes what has expired: whether time to live is on, and on the attribute `ttl`.
    ///
    /// # Errors
    ///
    /// `Unauthorized` without `dynamodb:DescribeTimeToLive`; else what keeps DynamoDB from answering.
    pub async fn reaper(&self) -> Result<Reaper> {
        Ok(match self.time_to_live().await? {
            None => Reaper::Unseen(LACKS.to_owned()),
            Some(there) => there.reaper(),
        })
    }

    /// A handle that has not looked yet: one that has remembers a layout record that may be gone.
    fn kv(&self) -> Kv {
        Kv::new(self.driver.clone())
    }

    fn plan_of(&self, steps: Vec<Step>) -> Plan {
        Plan::new(self.driver.place.to_string(), steps)
    }

    /// What becomes of the table itself; `None` when it is there and its parts can be looked at.
    fn whole(&self, table: Option<&TableDescription>) -> Option<Vec<Step>> {
        let Some(table) = table else { return Some(self.new_table(vec![Step::create(TABLE, MADE)])) };
        if let Some(why) = wrong_key(table) {
            return Some(vec![Step::conflict("primary key", why)]);
        }
        match table.table_status() {
            // Whoever makes it may have come no further: what is there of the rest can only be told later.
            Some(TableStatus::Creating) => Some(self.new_table(vec![Step::pending(TABLE, "is being made")])),
            Some(TableStatus::Deleting) => {
                let removed = Step::pending(TABLE, "is being removed, and is made anew after that");
                Some(self.new_table(vec![removed, Step::create(TABLE, MADE)]))
            }
            _ => None,
        }
    }

    fn new_table(&self, mut steps: Vec<Step>) -> Vec<Step> {
        steps.extend(self.parts_of_new_table());
        steps.push(new_layout(self.shards));
        steps
    }

    /// Whether the table is being removed, or is gone by now.
    async fn is_going(&self) -> Result<bool> {
        let table = self.describe().await?;
        Ok(table.is_none_or(|table| table.table_status() == Some(&TableStatus::Deleting)))
    }

    /// Waits until the table can be used, and makes it if it is not there.
    async fn active(&self) -> Result<Progress<TableDescription>> {
        wait_for(&self.patience, || async {
            let Some(table) = self.describe().await? else {
                self.create().await?;
                return Ok(Progress::Going);
            };
            if let Some(why) = wrong_key(&table) {
                // Somebody else was faster, and made another one.
                let message = format!("{}: primary key: {why}", self.driver.place);
                return Err(Error::new(ErrorKind::NotProvisioned, message));
            }
            match table.table_status() {
                Some(TableStatus::Active) => Ok(Progress::Done(table)),
                _ => Ok(Progress::Going),
            }
        })
        .await
    }
}

#[async_trait]
impl Provisioner for DynamoDbProvisioner {
    fn name(&self) -> &str {
        self.driver.table()
    }

    async fn plan(&self, goal: Goal) -> Result<Plan> {
        let table = self.describe().await?;
        match (goal, table) {
            (Goal::Present, table) => {
                if let Some(steps) = self.whole(table.as_ref()) {
                    return Ok(self.plan_of(steps));
                }
                let mut steps = vec![Step::keep(TABLE, "is there")];
                if let Some(table) = table {
                    steps.extend(self.parts(&table).await?);
                }
                steps.push(plan_layout(&self.kv(), self.shards).await?);
                Ok(self.plan_of(steps))
            }
            (Goal::Absent, None) => Ok(Plan::nothing_there(self.driver.place.to_string())),
            (Goal::Absent, Some(table)) => {
                let step = match table.table_status() {
                    Some(TableStatus::Deleting) => Step::pending(TABLE, GOING),
                    Some(TableStatus::Creating) => {
                        Step::conflict(TABLE, "is being made: try again when it is there")
                    }
                    _ => match wrong_key(&table) {
                        Some(why) => Step::conflict("primary key", why),
                        None if is_protected(&table) => Step::conflict(
                            "deletion protection",
                            "is on: switch it off in the stack, apply that, and try again",
                        ),
                        None => match refuse_strangers(&self.kv()).await? {
                            // What was removed meanwhile has no layout record either.
                            Some(_) if self.is_going().await? => Step::pending(TABLE, GOING),
                            Some(stranger) => stranger,
                            None => Step::delete(TABLE, "with all that is in it"),
                        },
                    },
                };
                Ok(self.plan_of(vec![step]))
            }
        }
    }

    async fn apply(&self) -> Result<Plan> {
        let planned = self.plan(Goal::Present).await?.without_conflict()?;
        let made = planned.steps.into_iter().find(|step| step.part == TABLE && step.is_change());
        let Progress::Done(table) = self.active().await? else {
            let mut done = Vec::from_iter(made);
            done.push(Step::pending(
                TABLE,
                "is not ready yet: run `larder up` again, or apply the plan again, for the rest",
            ));
            return Ok(self.plan_of(done));
        };
        let mut done = vec![made.unwrap_or_else(|| Step::keep(TABLE, "is there"))];
        for step in self.parts(&table).await? {
            done.push(if step.is_change() { self.mend(step, &table).await? } else { step });
        }
        done.push(apply_layout(&self.kv(), self.shards).await?);
        Ok(self.plan_of(done))
    }

    async fn remove(&self, _: Confirmed) -> Result<Plan> {
        let mut plan = self.plan(Goal::Absent).await?.without_conflict()?;
        if plan.has_changes() {
            self.delete().await?;
        } else if !plan.is_pending() {
            return Ok(plan);
        }
        let gone = wait_for(&self.patience, || async {
            Ok(if self.describe().await?.is_none() { Progress::Done(()) } else { Progress::Going })
        });
        if gone.await? == Progress::Going {
            plan.steps.push(Step::pending(TABLE, "is still being removed"));
        }
        Ok(plan)
    }
}

impl fmt::Debug for DynamoDbProvisioner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamoDbProvisioner")
            .field("place", &self.driver.place.to_string())
            .field("spec", &self.spec)
            .finish_non_exhaustive()
    }
}
