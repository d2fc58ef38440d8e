//! What readers see while a group of writes is on its way to the disk.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

use sled::IVec;

/// The durable records of the keys that a group is changing.
///
/// The writer publishes them before it touches the tree and withdraws them when the group is durable. A reader reads the
/// tree **first** and looks here **second**: had it seen a change that is not durable, the change's key would still be
/// here, with what it was before; had the key been withdrawn in between, what it saw is durable (P5).
#[derive(Debug, Default)]
pub(crate) struct Pending {
    active: AtomicBool,
    images: RwLock<HashMap<IVec, Option<IVec>>>,
}

impl Pending {
    /// Publishes what is durable, before the tree is changed.
    pub(crate) fn publish(&self, images: HashMap<IVec, Option<IVec>>) {
        *self.images.write().unwrap_or_else(PoisonError::into_inner) = images;
        self.active.store(true, Ordering::SeqCst);
    }

    /// Withdraws it, when the tree's state is durable.
    pub(crate) fn withdraw(&self) {
        self.active.store(false, Ordering::SeqCst);
        self.images.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The durable record of a key whose record in the tree was just read.
    pub(crate) fn durable(&self, key: &[u8], in_tree: Option<IVec>) -> Option<IVec> {
        if !self.active.load(Ordering::SeqCst) {
            return in_tree;
        }
        let images = self.images.read().unwrap_or_else(PoisonError::into_inner);
        match images.get(key) {
            Some(image) => image.clone(),
            None => in_tree,
        }
    }

    /// The same for the rows of a range that was just read up to and including `last`, or to its end.
    pub(crate) fn durable_rows(&self, rows: &mut Vec<(IVec, IVec)>, in_range: impl Fn(&[u8]) -> bool) {
        if !self.active.load(Ordering::SeqCst) {
            return;
        }
        let images = self.images.read().unwrap_or_else(PoisonError::into_inner);
        let mut changed = false;
        for (key, image) in images.iter().filter(|(key, _)| in_range(key)) {
            changed = true;
            let place = rows.binary_search_by(|(row, _)| row.cmp(key));
            match (place, image) {
                (Ok(at), Some(image)) => rows[at].1 = image.clone(),
                (Ok(at), None) => drop(rows.remove(at)),
                (Err(at), Some(image)) => rows.insert(at, (key.clone(), image.clone())),
                (Err(_), None) => {}
            }
        }
        debug_assert!(!changed || rows.is_sorted_by(|a, b| a.0 < b.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(key: &str, value: &str) -> (IVec, IVec) {
        (key.into(), value.into())
    }

    #[test]
    fn a_key_under_way_reads_as_it_was() {
        let pending = Pending::default();
        pending.publish(HashMap::from([("a".into(), Some("old".into())), ("b".into(), None)]));
        assert_eq!(pending.durable(b"a", Some("new".into())), Some("old".into()));
        assert_eq!(pending.durable(b"b", Some("new".into())), None);
        assert_eq!(pending.durable(b"c", Some("c".into())), Some("c".into()));
        pending.withdraw();
        assert_eq!(pending.durable(b"a", Some("new".into())), Some("new".into()));
    }

    #[test]
    fn a_range_under_way_reads_as_it_was() {
        let pending = Pending::default();
        pending.publish(HashMap::from([
            ("a".into(), Some("old".into())),
            ("b".into(), None),
            ("d".into(), Some("deleted".into())),
            ("x".into(), Some("outside".into())),
        ]));
        let mut rows = vec![row("a", "new"), row("b", "new"), row("c", "c")];
        pending.durable_rows(&mut rows, |key| key < b"e".as_slice());
        assert_eq!(rows, [row("a", "old"), row("c", "c"), row("d", "deleted")]);
    }
}
