//! Entries by what their keys begin with.

use std::collections::BTreeMap;

use serde::Serialize;

/// The most groups that are kept apart: keys without order would otherwise each be one.
const MOST: usize = 10_000;
/// What keys are counted under that have no separator, or one group too many.
const REST: &str = "(others)";

/// What a group holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub(crate) struct Group {
    /// Live entries.
    pub(crate) entries: u64,
    /// The bytes of their keys and values.
    pub(crate) bytes: u64,
    /// Rows that have expired and were not removed yet.
    pub(crate) expired: u64,
}

/// Groups of entries.
#[derive(Debug)]
pub(crate) struct Groups {
    depth: usize,
    groups: BTreeMap<String, Group>,
}

impl Groups {
    /// Groups by the parts of keys up to that many colons.
    pub(crate) fn new(depth: usize) -> Self {
        Self { depth, groups: BTreeMap::new() }
    }

    /// The group of a key.
    pub(crate) fn of(&mut self, key: &str) -> &mut Group {
        let name = self.name(key);
        let name = if self.groups.len() < MOST || self.groups.contains_key(name) { name } else { REST };
        if !self.groups.contains_key(name) {
            self.groups.insert(name.to_owned(), Group::default());
        }
        self.groups.entry(name.to_owned()).or_default()
    }

    fn name<'a>(&self, key: &'a str) -> &'a str {
        match key.match_indices(':').take(self.depth).last() {
            Some((at, _)) => &key[..=at],
            None => REST,
        }
    }

    /// All groups, the largest first.
    pub(crate) fn largest_first(self) -> Vec<(String, Group)> {
        let mut groups: Vec<_> = self.groups.into_iter().collect();
        groups.sort_by_key(|(_, group)| std::cmp::Reverse(group.bytes));
        groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_grouped_by_their_first_parts() {
        for (depth, key, group) in [
            (1, "user:1", "user:"),
            (1, "user:1:name", "user:"),
            (2, "user:1:name", "user:1:"),
            (2, "user:1", "user:"),
            (1, "alone", REST),
            (1, ":x", ":"),
        ] {
            assert_eq!(Groups::new(depth).name(key), group, "{key}");
        }
    }

    #[test]
    fn no_more_groups_are_kept_than_fit() {
        let mut groups = Groups::new(1);
        for number in 0..MOST + 5 {
            groups.of(&format!("{number}:")).entries += 1;
        }
        groups.of("0:").entries += 1;
        let all = groups.largest_first();
        assert!(all.len() <= MOST + 1);
        assert!(all.iter().any(|(name, group)| name == REST && group.entries == 5));
        assert!(all.iter().any(|(name, group)| name == "0:" && group.entries == 2));
    }
}
