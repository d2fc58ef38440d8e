//! What readers see while a group of writes is on its way to the disk.

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
    /// In the order of their keys.
    images: RwLock<Vec<(IVec, Option<IVec>)>>,
}

impl Pending {
    /// Publishes what is durable, in the order of the keys, before the tree is changed.
    pub(crate) fn publish(&self, images: Vec<(IVec, Option<IVec>)>) {
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
        match images.binary_search_by(|(changed, _)| changed.as_ref().cmp(key)) {
            Ok(at) => images[at].1.clone(),
            Err(_) => in_tree,
        }
    }

    /// The durable records of the keys of a range that was just read.
    pub(crate) fn images_of(&self, in_range: impl Fn(&[u8]) -> bool) -> Vec<(IVec, Option<IVec>)> {
        if !self.active.load(Ordering::SeqCst) {
            return Vec::new();
        }
        let images = self.images.read().unwrap_or_else(PoisonError::into_inner);
        images.iter().filter(|(key, _)| in_range(key)).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_under_way_reads_as_it_was() {
        let pending = Pending::default();
        pending.publish(vec![("a".into(), Some("old".into())), ("b".into(), None)]);
        assert_eq!(pending.durable(b"a", Some("new".into())), Some("old".into()));
        assert_eq!(pending.durable(b"b", Some("new".into())), None);
        assert_eq!(pending.durable(b"c", Some("c".into())), Some("c".into()));
        pending.withdraw();
        assert_eq!(pending.durable(b"a", Some("new".into())), Some("new".into()));
    }

    #[test]
    fn only_the_keys_of_a_range_are_given() {
        let pending = Pending::default();
        pending.publish(vec![("a".into(), None), ("x".into(), Some("outside".into()))]);
        assert_eq!(pending.images_of(|key| key < b"e".as_slice()), [("a".into(), None)]);
        pending.withdraw();
        assert!(pending.images_of(|_| true).is_empty());
    }
}
