//! What a provisioner found, and what it takes from there.

use std::fmt;

use super::layout::PART as LAYOUT_PART;
use crate::error::{Error, ErrorKind, Result};

/// What a store is to become.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Goal {
    /// There, as it was described.
    Present,
    /// Gone, with all that is in it.
    Absent,
}

/// One part of a store: what is there of it, and what becomes of it.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Step {
    /// The part, for people: `table`, `time to live`.
    pub part: &'static str,
    /// What becomes of it.
    pub change: Change,
}

/// What becomes of a part of a store. The texts are for people and hold no value and no secret.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Change {
    /// It is as it has to be.
    Keep(String),
    /// It is not there, and is made.
    Create(String),
    /// It differs, and is mended.
    Update {
        /// What is there.
        from: String,
        /// What it becomes.
        to: String,
    },
    /// It is there, and is removed.
    Delete(String),
    /// It is there and left alone, and why.
    Leave(String),
    /// The platform is still at it; nothing needs to be done but wait.
    Pending(String),
    /// It is in the way and cannot be mended: why, and the way out.
    Conflict(String),
}

impl Step {
    /// A part, and what becomes of it.
    pub fn new(part: &'static str, change: Change) -> Self {
        Self { part, change }
    }

    /// A part that is as it has to be.
    pub fn keep(part: &'static str, is: impl Into<String>) -> Self {
        Self::new(part, Change::Keep(is.into()))
    }

    /// A part that is made.
    pub fn create(part: &'static str, what: impl Into<String>) -> Self {
        Self::new(part, Change::Create(what.into()))
    }

    /// A part that is mended.
    pub fn update(part: &'static str, from: impl Into<String>, to: impl Into<String>) -> Self {
        Self::new(part, Change::Update { from: from.into(), to: to.into() })
    }

    /// A part that is removed.
    pub fn delete(part: &'static str, what: impl Into<String>) -> Self {
        Self::new(part, Change::Delete(what.into()))
    }

    /// A part that is left alone.
    pub fn leave(part: &'static str, why: impl Into<String>) -> Self {
        Self::new(part, Change::Leave(why.into()))
    }

    /// A part that the platform is still at.
    pub fn pending(part: &'static str, what: impl Into<String>) -> Self {
        Self::new(part, Change::Pending(what.into()))
    }

    /// A part that is in the way.
    pub fn conflict(part: &'static str, why: impl Into<String>) -> Self {
        Self::new(part, Change::Conflict(why.into()))
    }

    /// Whether it takes a request that changes something.
    pub fn is_change(&self) -> bool {
        matches!(self.change, Change::Create(_) | Change::Update { .. } | Change::Delete(_))
    }
}

/// What a provisioner found and what it takes from there; or, after it was carried out, what was done.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Plan {
    /// The store, for people: `table cache-5b25b0ce in eu-central-1`.
    pub store: String,
    /// Its parts, in the order in which they are dealt with.
    pub steps: Vec<Step>,
}

impl Plan {
    /// The plan of a store.
    pub fn new(store: impl Into<String>, steps: Vec<Step>) -> Self {
        Self { store: store.into(), steps }
    }

    /// The plan of a store that is not there and has not to be.
    pub fn nothing_there(store: impl Into<String>) -> Self {
        Self::new(store, vec![Step::keep("store", "is not there")])
    }

    /// Whether carrying it out would change anything.
    pub fn has_changes(&self) -> bool {
        self.steps.iter().any(Step::is_change)
    }

    /// Whether the platform is still at something.
    pub fn is_pending(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.change, Change::Pending(_)))
    }

    /// Whether the store can be used once this is carried out: its layout record is there, or is among what is made; one that
    /// is left alone is in use already.
    ///
    /// Of what was done, it is not when the platform took longer than anybody waited. Without the record, whoever uses the
    /// store first settles its shards.
    pub fn is_usable(&self) -> bool {
        self.steps.iter().any(|step| {
            step.part == LAYOUT_PART
                && matches!(step.change, Change::Keep(_) | Change::Create(_) | Change::Leave(_))
        })
    }

    /// The plan itself, if nothing is in its way.
    ///
    /// # Errors
    ///
    /// `NotProvisioned` with the first [`Change::Conflict`].
    pub fn without_conflict(self) -> Result<Self> {
        for step in &self.steps {
            if let Change::Conflict(why) = &step.change {
                let message = format!("{}: {}: {why}", self.store, step.part);
                return Err(Error::new(ErrorKind::NotProvisioned, message));
            }
        }
        Ok(self)
    }
}

impl fmt::Display for Step {
    /// One line that begins with a mark: `=` kept, `+` made, `~` mended, `-` removed, `.` left alone, `…` pending, `!` in
    /// the way.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = self.part;
        match &self.change {
            Change::Keep(is) => write!(f, "= {part}: {is}"),
            Change::Create(what) => write!(f, "+ {part}: {what}"),
            Change::Update { from, to } => write!(f, "~ {part}: {from} -> {to}"),
            Change::Delete(what) => write!(f, "- {part}: {what}"),
            Change::Leave(why) => write!(f, ". {part}: {why}"),
            Change::Pending(what) => write!(f, "… {part}: {what}"),
            Change::Conflict(why) => write!(f, "! {part}: {why}"),
        }
    }
}

impl fmt::Display for Plan {
    /// The store, and a line for each part.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.store)?;
        for step in &self.steps {
            write!(f, "\n  {step}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan_of(step: Step) -> Plan {
        Plan::new("t", vec![step])
    }

    #[test]
    fn a_plan_reads_as_one_line_for_each_part() {
        let steps = vec![
            Step::keep("table", "there"),
            Step::update("time to live", "off", "on"),
            Step::pending("index", "being removed"),
        ];
        let plan = Plan::new("table t", steps);
        assert_eq!(
            plan.to_string(),
            "table t\n  = table: there\n  ~ time to live: off -> on\n  … index: being removed"
        );
        assert!(plan.has_changes() && plan.is_pending() && plan.without_conflict().is_ok());
        let kept = Plan::new("t", vec![Step::keep("table", "there"), Step::leave("tags", "yours")]);
        assert!(!kept.has_changes() && !kept.is_pending());
        assert!(!kept.is_usable() && !plan_of(Step::conflict(LAYOUT_PART, "other")).is_usable());
        assert!(plan_of(Step::keep(LAYOUT_PART, "there")).is_usable());
        assert!(plan_of(Step::create(LAYOUT_PART, "1 shard")).is_usable());
    }

    #[test]
    fn what_is_in_the_way_is_an_error_that_names_it() {
        let steps =
            vec![Step::create("tags", "2"), Step::conflict("primary key", "is id: use another table")];
        let error = Plan::new("table t", steps).without_conflict().expect_err("in the way");
        assert_eq!(error.kind(), ErrorKind::NotProvisioned);
        assert_eq!(error.message(), "table t: primary key: is id: use another table");
    }
}
