//! Making, mending and removing a collection: the settings that a collection of Larder's has.
//!
//! A collection itself needs no making. What is made are the TTL policy on `exp`, the exemptions of the fields from
//! single-field indexes, the layout record and, if asked for, the database. The first two are the Admin API's, over REST:
//! no emulator has it, and its answers are long-running operations.

mod admin;
mod documents;
mod fields;
mod messages;
mod spec;

use std::fmt;

use async_trait::async_trait;
use larder_core::provision::{
    Confirmed, Goal, Plan, Progress, Provisioner, Reaper, Step, apply_layout, default_patience, new_layout,
    plan_layout, refuse_strangers, wait_for,
};
use larder_core::{Error, ErrorKind, Kv, Result, RetryPolicy};

use self::admin::Admin;
use self::messages::{DatabaseType, Operation};
pub use self::spec::{CollectionSpec, DatabaseSource};
use crate::driver::FirestoreDriver;
use crate::endpoint::Endpoint;
use crate::options::FirestoreOptions;

const DATABASE: &str = "database";
const DOCUMENTS: &str = "documents";
/// A collection has one.
const SHARDS: u16 = 1;

/// Makes, mends and removes a collection of Google Cloud Firestore.
///
/// The credentials need `roles/datastore.user`, `roles/datastore.indexAdmin` for the fields' settings, and
/// `roles/datastore.owner` where the database is to be made.
pub struct FirestoreProvisioner {
    driver: FirestoreDriver,
    admin: Admin,
    spec: CollectionSpec,
    patience: RetryPolicy,
}

impl FirestoreProvisioner {
    /// Prepares to make the collection of these options.
    ///
    /// # Errors
    ///
    /// As [`FirestoreDriver::open`].
    pub async fn open(options: FirestoreOptions, spec: CollectionSpec) -> Result<Self> {
        let admin_url = match &spec.admin_url {
            // Judged as the data's own endpoint is, since the same token goes there.
            Some(url) => Some(Endpoint::of(&options.clone().endpoint_url(url.clone()), None)?.url),
            None => None,
        };
        let connect_timeout = options.connect_timeout;
        let driver = FirestoreDriver::open(options).await?;
        let url = admin_url.unwrap_or_else(|| driver.place.url.clone());
        let admin = Admin::new(&url, driver.clone(), connect_timeout)?;
        Ok(Self { driver, admin, spec, patience: default_patience() })
    }

    /// How long to ask, and to wait for a database that is made; 5 minutes unless told.
    #[must_use]
    pub fn patience(mut self, patience: RetryPolicy) -> Self {
        self.patience = patience;
        self
    }

    /// Whether Firestore removes what has expired: whether the TTL policy on `exp` is on, and without an offset.
    ///
    /// # Errors
    ///
    /// `NotProvisioned` for a database that is not there; `Unauthorized` without a role that sees the settings
    /// of fields, as `roles/datastore.indexAdmin`; `Unsupported` for a server without an Admin API that is no emulator;
    /// else what keeps it from answering.
    pub async fn reaper(&self) -> Result<Reaper> {
        match self.admin.field(fields::EXPIRY, &self.patience).await {
            Ok(field) => Ok(fields::reaper(&field)),
            Err(error) if error.kind() == ErrorKind::Unsupported && self.admin.is_emulator() => {
                Ok(Reaper::Unseen(error.message().to_owned()))
            }
            Err(error) => Err(error),
        }
    }

    /// A handle that has not looked yet: one that has remembers a layout record that may be gone.
    fn kv(&self) -> Kv {
        Kv::new(self.driver.clone())
    }

    fn plan_of(&self, steps: Vec<Step>) -> Plan {
        Plan::new(self.driver.place.to_string(), steps)
    }

    /// What becomes of the database; `None` in the second place when there is none to look into yet.
    async fn database(&self) -> Result<(Step, Presence)> {
        let there = match self.admin.database(&self.patience).await {
            Ok(there) => there,
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                return Ok((Step::leave(DATABASE, error.message()), Presence::WithoutAdmin));
            }
            Err(error) => return Err(error),
        };
        let Some(database) = there else {
            return Ok(match &self.spec.database {
                DatabaseSource::CreateIn(location) => {
                    (Step::create(DATABASE, format!("in native mode, in {location}")), Presence::Absent)
                }
                DatabaseSource::MustExist => {
                    let why = "is not there: make it, or say in which location it has to be made";
                    (Step::conflict(DATABASE, why), Presence::Absent)
                }
            });
        };
        if database.kind == Some(DatabaseType::DatastoreMode) {
            let why = "is in Datastore mode, which it keeps: use one in native mode";
            return Ok((Step::conflict(DATABASE, why), Presence::Present));
        }
        let location = database.location_id.unwrap_or_default();
        if let DatabaseSource::CreateIn(wanted) = &self.spec.database
            && *wanted != location
        {
            let why = format!("is in {location} for good, and not in {wanted}: use another database");
            return Ok((Step::conflict(DATABASE, why), Presence::Present));
        }
        Ok((Step::keep(DATABASE, format!("in {location}")), Presence::Present))
    }

    /// Waits for an operation, no longer than `patience`.
    async fn done(&self, operation: Operation, patience: &RetryPolicy) -> Result<Progress<()>> {
        let name = operation.name.clone();
        let first = std::sync::Mutex::new(Some(operation));
        wait_for(patience, || async {
            let known = first.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
            let operation = match known {
                Some(operation) => operation,
                None => self.admin.operation(&name, &self.patience).await?,
            };
            match (operation.done, operation.error) {
                (true, Some(status)) => Err(self.admin.failed_operation(status.code)),
                (true, None) => Ok(Progress::Done(())),
                (false, _) => Ok(Progress::Going),
            }
        })
        .await
    }
}

/// What there is of the database.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    Present,
    Absent,
    /// Nobody can tell: the server has no Admin API.
    WithoutAdmin,
}

#[async_trait]
impl Provisioner for FirestoreProvisioner {
    fn name(&self) -> &str {
        &self.driver.place.collection
    }

    async fn plan(&self, goal: Goal) -> Result<Plan> {
        let (database, presence) = self.database().await?;
        if goal == Goal::Absent {
            return self.plan_removal(database, presence).await;
        }
        let mut steps = vec![database];
        match presence {
            Presence::Absent => {
                steps.extend(fields::of_new_collection());
                steps.push(new_layout(SHARDS));
            }
            Presence::Present => {
                steps.extend(self.fields(Goal::Present).await?);
                steps.push(plan_layout(&self.kv(), SHARDS).await?);
            }
            Presence::WithoutAdmin => steps.push(plan_layout(&self.kv(), SHARDS).await?),
        }
        Ok(self.plan_of(steps))
    }

    async fn apply(&self) -> Result<Plan> {
        let (database, mut presence) = self.database().await?;
        let mut done = self.plan_of(vec![database]).without_conflict()?.steps;
        if let (Presence::Absent, DatabaseSource::CreateIn(location)) = (presence, &self.spec.database) {
            let made = self.admin.create_database(location, &self.patience).await?;
            let made = match made {
                Some(operation) => self.done(operation, &self.patience).await?,
                // Somebody else was faster.
                None => Progress::Done(()),
            };
            if made == Progress::Going {
                done.push(Step::pending(
                    DATABASE,
                    "is still being made: run `larder up` again, or apply the plan again, for the rest",
                ));
                return Ok(self.plan_of(done));
            }
            presence = Presence::Present;
        } else {
            // Nothing is changed while something is in the way.
            self.plan(Goal::Present).await?.without_conflict()?;
        }
        if presence == Presence::Present {
            for step in self.fields(Goal::Present).await? {
                done.push(if step.is_change() { self.mend(step, Goal::Present).await? } else { step });
            }
        }
        done.push(apply_layout(&self.kv(), SHARDS).await?);
        Ok(self.plan_of(done))
    }

    async fn remove(&self, _: Confirmed) -> Result<Plan> {
        let plan = self.plan(Goal::Absent).await?.without_conflict()?;
        let has_layout = plan.steps.iter().any(|step| step.is_change() && step.part == DOCUMENTS);
        let mut done = Vec::new();
        for step in plan.steps {
            done.push(match (step.is_change(), step.part) {
                (true, DOCUMENTS) => self.remove_documents().await?,
                (true, _) => self.mend(step, Goal::Absent).await?,
                (false, _) => step,
            });
        }
        if has_layout {
            self.remove_layout().await?;
        }
        Ok(self.plan_of(done))
    }
}

impl FirestoreProvisioner {
    async fn plan_removal(&self, database: Step, presence: Presence) -> Result<Plan> {
        if presence == Presence::Absent {
            return Ok(Plan::nothing_there(self.driver.place.to_string()));
        }
        let documents = match refuse_strangers(&self.kv()).await? {
            Some(stranger) => stranger,
            None if self.kv().stored_layout().await?.is_none() => Step::keep(DOCUMENTS, "there are none"),
            None => Step::delete(DOCUMENTS, "all of the collection"),
        };
        let mut steps = vec![documents];
        match presence {
            Presence::Present => {
                steps.extend(self.fields(Goal::Absent).await?);
                steps.push(Step::leave(DATABASE, "it may hold more than this collection"));
            }
            _ => steps.push(database),
        }
        Ok(self.plan_of(steps))
    }
}

impl fmt::Debug for FirestoreProvisioner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FirestoreProvisioner")
            .field("place", &self.driver.place.to_string())
            .field("spec", &self.spec)
            .finish_non_exhaustive()
    }
}

fn internal(reason: impl Into<String>) -> Error {
    Error::new(ErrorKind::Internal, reason)
}
