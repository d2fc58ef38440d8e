//! The parts of a table: what is there of each, and how it is mended.

use std::time::Duration;

use aws_sdk_dynamodb::types::{
    BillingMode, KeyType, ScalarAttributeType, TableDescription, TimeToLiveStatus,
};
use larder_core::Result;
use larder_core::provision::{Progress, Reaper, Step, wait_for};

use super::requests::TimeToLive;
use super::{DynamoDbProvisioner, Protection};
use crate::expressions::attribute;

pub(super) const TABLE: &str = "table";
const BILLING: &str = "billing";
const TTL: &str = "time to live";
const RECOVERY: &str = "point-in-time recovery";
const TAGS: &str = "tags";
const PROTECTION: &str = "deletion protection";

const ON_TTL: &str = "on the attribute ttl";
const ON_DEMAND: &str = "on demand";
pub(super) const LACKS: &str = "this server has no such thing, which DynamoDB itself has";

/// Why the table's primary key is none of Larder's, if it is none.
pub(super) fn wrong_key(table: &TableDescription) -> Option<String> {
    let wanted = [(attribute::SHARD, KeyType::Hash), (attribute::KEY, KeyType::Range)];
    let elements = table.key_schema();
    let is_text = |name: &str| {
        table.attribute_definitions().iter().any(|definition| {
            definition.attribute_name() == name && *definition.attribute_type() == ScalarAttributeType::S
        })
    };
    let fits = elements.len() == wanted.len()
        && wanted.iter().all(|(name, kind)| {
            is_text(name)
                && elements
                    .iter()
                    .any(|element| element.attribute_name() == *name && element.key_type() == kind)
        });
    if fits {
        return None;
    }
    let names: Vec<_> = elements.iter().map(|element| element.attribute_name()).collect();
    Some(format!(
        "is {}, and Larder's is pk and sk, both text: a table keeps its key for good, so use another table",
        names.join(" and ")
    ))
}

pub(super) fn is_protected(table: &TableDescription) -> bool {
    table.deletion_protection_enabled() == Some(true)
}

impl DynamoDbProvisioner {
    /// The parts that a new table gets.
    pub(super) fn parts_of_new_table(&self) -> Vec<Step> {
        let mut steps = vec![Step::create(TTL, ON_TTL), Step::create(RECOVERY, "on")];
        if !self.spec.tags.is_empty() {
            let tags: Vec<_> = self.spec.tags.keys().map(String::as_str).collect();
            steps.push(Step::create(TAGS, tags.join(", ")));
        }
        if self.spec.protection == Protection::On {
            steps.push(Step::create(PROTECTION, "on"));
        }
        steps
    }

    /// What becomes of the parts of a table that is there.
    pub(super) async fn parts(&self, table: &TableDescription) -> Result<Vec<Step>> {
        let mut steps = vec![billing(table), self.ttl().await?, self.recovery().await?];
        steps.extend(self.tags(table).await?);
        steps.extend(self.protection(table));
        Ok(steps)
    }

    async fn ttl(&self) -> Result<Step> {
        let Some(there) = self.time_to_live().await? else {
            return Ok(Step::leave(TTL, LACKS));
        };
        Ok(match there.state() {
            TtlState::On => Step::keep(TTL, ON_TTL),
            TtlState::Starting => Step::pending(TTL, "is being switched on"),
            TtlState::Elsewhere(attribute) => Step::update(TTL, on(attribute), ON_TTL),
            TtlState::Stopping => Step::pending(
                TTL,
                "is being switched off, which takes up to an hour: after that, run `larder up` again, or apply the plan again, to switch it on",
            ),
            TtlState::Off => Step::create(TTL, ON_TTL),
        })
    }

    async fn recovery(&self) -> Result<Step> {
        Ok(match self.has_recovery().await? {
            None => Step::leave(RECOVERY, LACKS),
            Some(true) => Step::keep(RECOVERY, "on"),
            Some(false) => Step::create(RECOVERY, "on"),
        })
    }

    async fn tags(&self, table: &TableDescription) -> Result<Option<Step>> {
        let wanted = &self.spec.tags;
        let (false, Some(arn)) = (wanted.is_empty(), table.table_arn()) else { return Ok(None) };
        let Some(there) = self.tags_of(arn).await? else { return Ok(Some(Step::leave(TAGS, LACKS))) };
        let differs: Vec<_> = wanted
            .iter()
            .filter(|(key, value)| there.get(*key) != Some(*value))
            .map(|(key, _)| key)
            .collect();
        let names = |keys: Vec<&String>| keys.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        if differs.is_empty() {
            return Ok(Some(Step::keep(TAGS, names(wanted.keys().collect()))));
        }
        let (other, missing): (Vec<_>, Vec<_>) =
            differs.into_iter().partition(|key| there.contains_key(*key));
        let mut to = missing.clone();
        to.extend(other.iter());
        to.sort();
        Ok(Some(match other.is_empty() {
            true => Step::create(TAGS, names(missing)),
            false => Step::update(TAGS, format!("other values of {}", names(other)), names(to)),
        }))
    }

    fn protection(&self, table: &TableDescription) -> Option<Step> {
        let is_on = is_protected(table);
        let shown = |on: bool| if on { "on" } else { "off" };
        let wanted = match self.spec.protection {
            // Shown where it is in the way of a removal.
            Protection::AsIs if is_on => return Some(Step::leave(PROTECTION, "on, and not asked for")),
            Protection::AsIs => return None,
            Protection::On => true,
            Protection::Off => false,
        };
        Some(match is_on == wanted {
            true => Step::keep(PROTECTION, shown(is_on)),
            false => Step::update(PROTECTION, shown(is_on), shown(wanted)),
        })
    }

    /// Carries out one step, and says what became of it.
    pub(super) async fn mend(&self, step: Step, table: &TableDescription) -> Result<Step> {
        match step.part {
            BILLING => self.bill_on_demand().await?,
            TTL => return self.mend_ttl(step).await,
            RECOVERY => self.switch_recovery_on().await?,
            TAGS => self.tag(table.table_arn().unwrap_or_default()).await?,
            PROTECTION => self.protect(self.spec.protection == Protection::On).await?,
            _ => {}
        }
        if matches!(step.part, BILLING | PROTECTION) {
            // A table takes one such change at a time.
            if let Progress::Going = self.active().await? {
                return Ok(Step::pending(
                    step.part,
                    "is being changed: run `larder up` again, or apply the plan again, for the rest",
                ));
            }
        }
        Ok(step)
    }

    async fn mend_ttl(&self, step: Step) -> Result<Step> {
        let there = self.time_to_live().await?;
        let other = there.filter(|there| there.status == Some(TimeToLiveStatus::Enabled));
        if let Some(attribute) =
            other.and_then(|there| there.attribute).filter(|name| name != attribute::REAPED)
        {
            let refused = self.switch_ttl(&attribute, false).await.err();
            if let Some(error) = refused
                && let Some(TimeToLive { status: Some(TimeToLiveStatus::Enabled), .. }) =
                    self.time_to_live().await?
            {
                return Err(error);
            }
            let mut soon = self.patience.clone();
            // On the service it takes up to an hour, which nobody waits for here.
            soon.deadline = soon.deadline.min(Duration::from_secs(5));
            let off = wait_for(&soon, || async {
                let there = self.time_to_live().await?;
                let is_off = there.is_none_or(|there| there.status == Some(TimeToLiveStatus::Disabled));
                Ok(if is_off { Progress::Done(()) } else { Progress::Going })
            });
            if off.await? == Progress::Going {
                let why = format!(
                    "was on the attribute {attribute} and is being switched off, which takes up to an hour: after that, \
                     run `larder up` again, or apply the plan again, to switch it on"
                );
                return Ok(Step::pending(TTL, why));
            }
        }
        let refused = self.switch_ttl(attribute::REAPED, true).await.err();
        match (refused, self.ttl().await?) {
            (None, _) => Ok(step),
            // The reply to an earlier attempt was lost.
            (Some(_), now) if !now.is_change() => Ok(now),
            (Some(error), _) => Err(error),
        }
    }
}

/// What a table's time to live comes to.
enum TtlState<'a> {
    On,
    Starting,
    /// On another attribute than ours.
    Elsewhere(&'a str),
    Stopping,
    Off,
}

impl TimeToLive {
    fn state(&self) -> TtlState<'_> {
        let is_ours = self.attribute.as_deref() == Some(attribute::REAPED);
        match self.status {
            Some(TimeToLiveStatus::Enabled) if is_ours => TtlState::On,
            Some(TimeToLiveStatus::Enabling) if is_ours => TtlState::Starting,
            Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling) => {
                TtlState::Elsewhere(self.attribute.as_deref().unwrap_or_default())
            }
            Some(TimeToLiveStatus::Disabling) => TtlState::Stopping,
            _ => TtlState::Off,
        }
    }

    pub(super) fn reaper(&self) -> Reaper {
        match self.state() {
            TtlState::On => Reaper::On,
            TtlState::Starting => Reaper::Starting,
            TtlState::Elsewhere(attribute) => Reaper::Off(format!("time to live is {}", on(attribute))),
            TtlState::Stopping => Reaper::Off("time to live is being switched off".to_owned()),
            TtlState::Off => Reaper::Off("time to live is off".to_owned()),
        }
    }
}

fn on(attribute: &str) -> String {
    format!("on the attribute {attribute}")
}

fn billing(table: &TableDescription) -> Step {
    let mode = table.billing_mode_summary().and_then(|summary| summary.billing_mode());
    match mode {
        Some(BillingMode::PayPerRequest) => Step::keep(BILLING, ON_DEMAND),
        _ => Step::update(BILLING, "provisioned capacity", ON_DEMAND),
    }
}
