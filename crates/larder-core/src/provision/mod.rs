//! Making and removing stores: the trait that stands beside each driver, and plans as data.
//!
//! A [`Provisioner`] owns one store. It says what it would do before it does it, does nothing twice, and can be stopped
//! anywhere: whoever comes next plans anew from what is there.

mod confirm;
mod layout;
mod patience;
mod plan;
mod reaper;

use std::fmt;

use async_trait::async_trait;

pub use self::confirm::Confirmed;
pub use self::layout::{apply_layout, new_layout, plan_layout, refuse_strangers};
pub use self::patience::{Progress, ask, default_patience, wait_for};
pub use self::plan::{Change, Goal, Plan, Step};
pub use self::reaper::Reaper;

use crate::error::Result;

/// Makes, mends and removes one store.
///
/// # Obligations
///
/// - [`plan`](Provisioner::plan) changes nothing.
/// - [`apply`](Provisioner::apply) and [`remove`](Provisioner::remove) may be called again after any failure, a lost reply
///   and a killed process included, and by two processes at once.
/// - What cannot be mended is a [`Change::Conflict`] of the plan, and nothing is changed while there is one.
/// - What the platform does in its own time is [`Change::Pending`], and not waited for longer than the patience given.
#[async_trait]
pub trait Provisioner: Send + Sync + fmt::Debug {
    /// The store's own name on the platform: what [`destroy`](Provisioner::destroy) wants to hear again.
    fn name(&self) -> &str;

    /// What there is, and what it would take to reach the goal. Changes nothing.
    ///
    /// # Errors
    ///
    /// What keeps the platform from answering: `Unauthorized`, `Unavailable`, `Timeout`, `NotProvisioned` for an account or
    /// a database that is not there and is none of this store's own.
    async fn plan(&self, goal: Goal) -> Result<Plan>;

    /// Makes the store, or mends what differs. Returns what was done, and what the platform is still at.
    ///
    /// # Errors
    ///
    /// A conflict of the plan, before anything is changed; else what keeps the platform from answering. What was done by
    /// then stays done.
    async fn apply(&self) -> Result<Plan>;

    /// Removes the store and all that is in it. Called by [`destroy`](Provisioner::destroy), which checks the name.
    ///
    /// # Errors
    ///
    /// As [`apply`](Provisioner::apply).
    async fn remove(&self, confirmed: Confirmed) -> Result<Plan>;

    /// Removes the store and all that is in it, if `name` is the store's own. One that is not there is no error.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for another name; else as [`apply`](Provisioner::apply).
    async fn destroy(&self, name: &str) -> Result<Plan> {
        self.remove(Confirmed::check(self.name(), name)?).await
    }
}
