//! The settings of the fields: no single-field index on any, and the TTL policy on `exp`.

use larder_core::Result;
use larder_core::provision::{Goal, Progress, Reaper, Step};
use serde_json::{Value, json};

use super::messages::{Field, TtlConfig, TtlState};
use super::{FirestoreProvisioner, internal};

/// A setting of a field that has to be made.
struct Setting {
    part: &'static str,
    field: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Ttl,
    Index,
}

/// The field that the TTL policy is on.
pub(super) const EXPIRY: &str = "exp";

/// The TTL policy first: what expires goes, whatever becomes of the rest.
const SETTINGS: [Setting; 5] = [
    Setting { part: "TTL policy on exp", field: EXPIRY, kind: Kind::Ttl },
    Setting { part: "index of exp", field: EXPIRY, kind: Kind::Index },
    Setting { part: "index of v", field: "v", kind: Kind::Index },
    Setting { part: "index of w", field: "w", kind: Kind::Index },
    Setting { part: "index of h", field: "h", kind: Kind::Index },
];

/// The settings that a new collection gets.
pub(super) fn of_new_collection() -> Vec<Step> {
    SETTINGS.iter().map(create).collect()
}

fn create(setting: &Setting) -> Step {
    match setting.kind {
        Kind::Ttl => Step::create(setting.part, "on"),
        Kind::Index => Step::create(setting.part, "off: an exemption"),
    }
}

impl FirestoreProvisioner {
    /// What becomes of the settings.
    pub(super) async fn fields(&self, goal: Goal) -> Result<Vec<Step>> {
        let mut steps = Vec::new();
        let mut last: Option<(&str, Field)> = None;
        for setting in &SETTINGS {
            let field = match last.take() {
                Some((name, field)) if name == setting.field => field,
                _ => self.admin.field(setting.field, &self.patience).await?,
            };
            steps.push(judge(setting, &field, goal));
            last = Some((setting.field, field));
        }
        Ok(steps)
    }

    /// Makes a setting, or takes it back, and says how far that has come.
    pub(super) async fn mend(&self, step: Step, goal: Goal) -> Result<Step> {
        let setting = SETTINGS.iter().find(|setting| setting.part == step.part);
        let setting = setting.ok_or_else(|| internal(format!("{} is no setting of a field", step.part)))?;
        let (mask, settings) = patch(setting.kind, goal);
        let operation = self.admin.patch_field(setting.field, mask, settings, &self.patience).await?;
        let mut patience = self.patience.clone();
        patience.deadline = self.spec.field_wait.min(patience.deadline);
        Ok(match self.done(operation, &patience).await? {
            Progress::Done(()) => step,
            Progress::Going => Step::pending(step.part, "asked for; Firestore goes on with it by itself"),
        })
    }
}

fn patch(kind: Kind, goal: Goal) -> (&'static str, Value) {
    match (kind, goal) {
        (Kind::Ttl, Goal::Present) => ("ttlConfig", json!({ "ttlConfig": {} })),
        (Kind::Ttl, Goal::Absent) => ("ttlConfig", json!({})),
        (Kind::Index, Goal::Present) => ("indexConfig", json!({ "indexConfig": { "indexes": [] } })),
        // What all fields of the database have.
        (Kind::Index, Goal::Absent) => ("indexConfig", json!({})),
    }
}

/// What a TTL policy comes to.
enum Policy<'a> {
    On,
    Starting,
    /// It waits so long after the expiry.
    Late(&'a str),
    Broken,
}

const BROKEN: &str = "needs repair";

fn policy(ttl: &TtlConfig) -> Policy<'_> {
    let offset = ttl.expiration_offset.as_deref().filter(|offset| !is_zero(offset));
    match (&ttl.state, offset) {
        (_, Some(offset)) => Policy::Late(offset),
        (Some(TtlState::Active), None) => Policy::On,
        (Some(TtlState::NeedsRepair), None) => Policy::Broken,
        (_, None) => Policy::Starting,
    }
}

fn late(offset: &str) -> String {
    format!("{offset} after exp")
}

/// What the settings of `exp` say of the removal of what has expired.
pub(super) fn reaper(field: &Field) -> Reaper {
    let Some(ttl) = &field.ttl_config else {
        return Reaper::Off("there is no TTL policy on exp".to_owned());
    };
    match policy(ttl) {
        Policy::On => Reaper::On,
        Policy::Starting => Reaper::Starting,
        Policy::Late(offset) => Reaper::Off(format!("the TTL policy removes {}", late(offset))),
        Policy::Broken => Reaper::Off(format!("the TTL policy on exp {BROKEN}")),
    }
}

fn judge(setting: &Setting, field: &Field, goal: Goal) -> Step {
    let part = setting.part;
    match (setting.kind, goal) {
        (Kind::Ttl, goal) => {
            let Some(ttl) = &field.ttl_config else {
                return match goal {
                    Goal::Present => create(setting),
                    Goal::Absent => Step::keep(part, "is not there"),
                };
            };
            if goal == Goal::Absent {
                return Step::delete(part, "the policy");
            }
            match policy(ttl) {
                Policy::Late(offset) => Step::update(part, late(offset), "at exp"),
                Policy::On => Step::keep(part, "on"),
                Policy::Broken => Step::update(part, BROKEN, "on"),
                Policy::Starting => {
                    Step::pending(part, "is being switched on; documents written from now on expire already")
                }
            }
        }
        (Kind::Index, goal) => {
            let index = field.index_config.as_ref();
            let is_exempt =
                index.is_some_and(|index| !index.uses_ancestor_config && index.indexes.is_empty());
            let is_reverting = index.is_some_and(|index| index.reverting);
            // Set by somebody for this field alone, who may want them back.
            let own =
                index.filter(|index| !index.uses_ancestor_config).map_or(0, |index| index.indexes.len());
            match goal {
                Goal::Present if is_reverting => Step::pending(
                    part,
                    "is being switched on again: when it is, run `larder up` again, or apply the plan again, to switch it off",
                ),
                Goal::Present if is_exempt => Step::keep(part, "off"),
                Goal::Present if own > 0 => {
                    Step::update(part, format!("{own} of its own"), "off: an exemption")
                }
                Goal::Present => create(setting),
                Goal::Absent if is_reverting => Step::pending(part, "is being switched on again"),
                Goal::Absent if is_exempt => Step::delete(part, "the exemption"),
                Goal::Absent if own > 0 => Step::leave(part, "somebody has set it otherwise"),
                Goal::Absent => Step::keep(part, "as the database has it"),
            }
        }
    }
}

/// Whether a duration, as `0s`, is none.
fn is_zero(duration: &str) -> bool {
    duration.strip_suffix('s').is_some_and(|number| number.parse::<f64>().is_ok_and(|seconds| seconds == 0.0))
}
