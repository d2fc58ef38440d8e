//! The writes of the script.

use larder_core::{PutOptions, PutOutcome, TouchOptions, TouchOutcome};
use rand::RngExt;

use super::told::{as_seen, deleted, shown, told};
use super::{Player, Space};

impl Player {
    pub(super) async fn put(&mut self, space: &Space, key: &str) -> String {
        let (value, ttl) = (self.value(), self.ttl());
        let mut options = PutOptions::new();
        options.ttl = ttl;
        let (how, options) = match (self.random.random_range(0..3), self.version(space, key)) {
            (0, _) => ("if absent", options.if_not_exists()),
            (1, Some(version)) => ("if version", options.if_version(version)),
            _ => ("", options),
        };
        let outcome = space.kv.put(key, value, options).await;
        if let Ok(PutOutcome::Stored(version)) = &outcome {
            self.saw(space, key, version);
        }
        let outcome = outcome.map(|outcome| match outcome {
            PutOutcome::Stored(_) => "stored".to_owned(),
            PutOutcome::ConditionFailed(seen) => format!("refused, {}", as_seen(&seen)),
        });
        format!("put {key:?} for {ttl:?} {how}: {}", told(outcome))
    }

    pub(super) async fn delete_version(&mut self, space: &Space, key: &str) -> String {
        let Some(version) = self.version(space, key) else { return "no version".to_owned() };
        let outcome = space.kv.delete_if_version(key, version).await;
        format!("delete {key:?} if version: {}", told(outcome.map(deleted)))
    }

    pub(super) async fn touch(&mut self, space: &Space, key: &str) -> String {
        let options = match self.ttl() {
            Some(ttl) => TouchOptions::expire_after(ttl),
            None => TouchOptions::persist(),
        };
        let options = match (self.random.random_range(0..2), self.version(space, key)) {
            (0, Some(version)) => options.if_version(version),
            _ => options,
        };
        let outcome = space.kv.touch(key, options).await;
        if let Ok(TouchOutcome::Touched(version)) = &outcome {
            self.saw(space, key, version);
        }
        let outcome = outcome.map(|outcome| match outcome {
            TouchOutcome::Touched(_) => "touched".to_owned(),
            TouchOutcome::Absent => "absent".to_owned(),
            TouchOutcome::ConditionFailed(seen) => format!("refused, {}", as_seen(&seen)),
        });
        format!("touch {key:?}: {}", told(outcome))
    }

    pub(super) async fn increment(&mut self, space: &Space, key: &str) -> String {
        let (delta, ttl) = (self.random.random_range(-3..10), self.ttl());
        format!("increment {key:?} by {delta}: {}", told(space.kv.increment(key, delta, ttl).await))
    }

    pub(super) async fn put_many(&mut self, space: &Space) -> String {
        let entries: Vec<_> = (0..4).map(|_| (self.key(), self.value())).collect();
        let (keys, ttl): (Vec<_>, _) = (entries.iter().map(|(key, _)| *key).collect(), self.ttl());
        let stored = space.kv.put_many(entries, ttl).await;
        for (key, version) in keys.iter().zip(stored.iter().flatten()) {
            if let Ok(version) = version {
                self.saw(space, key, version);
            }
        }
        let stored = stored.map(|stored| shown(stored, |_| "stored".to_owned()));
        format!("put {keys:?} for {ttl:?}: {}", told(stored))
    }

    pub(super) async fn delete_many(&mut self, space: &Space) -> String {
        let keys: Vec<_> = (0..3).map(|_| self.key()).collect();
        let deleted = space.kv.delete_many(&keys).await.map(|all| shown(all, |()| "done".to_owned()));
        format!("delete {keys:?}: {}", told(deleted))
    }
}
