//! Which reads are answered on JavaScript's thread.
//!
//! The sources themselves: the library needs the functions of Node.js, which a test's process does not have.

#[path = "../src/recent.rs"]
mod recent;
#[path = "../src/traffic.rs"]
mod traffic;

use std::sync::Arc;
use std::time::Duration;

use recent::{Reading, Recent};
use traffic::Traffic;

const MIB: usize = 1024 * 1024;

/// A handle on a store.
struct Handle {
    recent: Arc<Recent>,
    traffic: Arc<Traffic>,
}

impl Handle {
    fn on(store: &str) -> Self {
        let traffic = Traffic::of(store);
        Self { recent: Arc::new(Recent::new(Arc::clone(&traffic))), traffic }
    }

    fn reading(&self, key: &str) -> Reading {
        Reading::of(&self.recent, key)
    }

    fn is_at_hand(&self, key: &str) -> bool {
        self.reading(key).is_at_hand()
    }

    /// Reads a key with a value of this length on another thread.
    fn read(&self, key: &str, bytes: usize) {
        self.reading(key).was_read(Some(bytes));
    }

    /// Reads so many others of almost a MiB each.
    fn read_others(&self, name: &str, count: usize) {
        (0..count).for_each(|at| self.read(&format!("{name}:{at}"), MIB - 512));
    }
}

#[test]
fn a_key_is_at_hand_once_it_was_read() {
    let handle = Handle::on("once");
    assert!(!handle.is_at_hand("k"));
    assert!(!handle.is_at_hand("k"), "being asked for is not being read");
    handle.read("k", 1);
    assert!(handle.is_at_hand("k") && handle.is_at_hand("k"));
    assert!(!handle.is_at_hand("other"));
}

#[test]
fn it_is_forgotten_behind_16_to_32_mib_of_others_unless_it_is_read_again() {
    let handle = Handle::on("forgotten");
    handle.read("k", 1);
    handle.read_others("first", 15);
    assert!(handle.is_at_hand("k"));
    handle.read_others("second", 10);
    assert!(handle.is_at_hand("k"), "it is one of the old ones");
    handle.read("again", 1);
    handle.read_others("third", 8);
    assert!(!handle.is_at_hand("k"));
    assert!(handle.is_at_hand("again"));
    handle.read("again", 1);
    handle.read_others("fourth", 17);
    assert!(handle.is_at_hand("again"), "its second reading counts");
}

#[test]
fn reading_a_young_key_again_pushes_nothing_out() {
    let handle = Handle::on("young");
    handle.read("k", 1);
    // As after a slow read, when all go elsewhere.
    (0..100).for_each(|_| handle.read("other", MIB));
    assert!(handle.is_at_hand("k"));
}

#[test]
fn whatever_goes_through_the_store_counts() {
    let handle = Handle::on("all");
    handle.read("k", 1);
    // Batches, writes, pages: so many bytes of values, and what there is beside them.
    let entries = 32 * MIB / (1_024 + 256);
    (0..entries / 2 - 8).for_each(|_| handle.traffic.entry(1_024));
    assert!(handle.is_at_hand("k"));
    (0..entries / 2 + 64).for_each(|_| handle.traffic.entry(1_024));
    assert!(!handle.is_at_hand("k"));
}

#[test]
fn all_at_once_is_as_much() {
    let handle = Handle::on("at once");
    handle.read("k", 1);
    // Behind the first generation's end, and not yet behind the second's, of which it is not told in between.
    handle.traffic.entry(31 * MIB);
    assert!(handle.is_at_hand("k"));
    handle.traffic.entry(2 * MIB);
    assert!(!handle.is_at_hand("k"));
    handle.read("k", 1);
    handle.traffic.entry(100 * MIB);
    assert!(!handle.is_at_hand("k"));
    handle.read("k", 1);
    assert!(handle.is_at_hand("k"));
}

#[test]
fn a_value_of_a_length_that_is_not_known_counts_as_the_longest() {
    let handle = Handle::on("unknown");
    handle.read("k", 1);
    for at in 0..1_400 {
        handle.reading(&format!("other:{at}")).was_read(None);
    }
    assert!(!handle.is_at_hand("k"), "1,400 values may have 32.8 MiB");
    handle.read("k", 1);
    (0..1_400).for_each(|_| handle.traffic.entry_of_any_length());
    assert!(!handle.is_at_hand("k"));
}

#[test]
fn handles_on_one_store_push_out_what_the_other_has_read() {
    let (one, same, other) = (Handle::on("shared"), Handle::on("shared"), Handle::on("not shared"));
    one.read("k", 1);
    assert!(!same.is_at_hand("k"), "a handle may have another namespace");
    other.read_others("o", 40);
    assert!(one.is_at_hand("k"));
    same.read_others("o", 34);
    assert!(!one.is_at_hand("k"));
    // One that is opened later begins with what there is.
    let late = Handle::on("shared");
    late.read("k", 1);
    assert!(late.is_at_hand("k"));
}

#[test]
fn a_slow_read_sends_the_next_sixteen_elsewhere() {
    let handle = Handle::on("slow");
    handle.read("k", 1);
    handle.reading("k").took(Duration::from_millis(1));
    assert!(handle.is_at_hand("k"));
    handle.reading("k").took(Duration::from_micros(1_001));
    assert_eq!((0..20).filter(|_| !handle.is_at_hand("k")).count(), 16);
    assert!(handle.is_at_hand("k"));
    // It is not told sooner because much has gone through the store meanwhile.
    handle.reading("k").took(Duration::from_secs(1));
    handle.traffic.entry(100 * MIB);
    handle.read("k", 1);
    assert_eq!((0..20).filter(|_| !handle.is_at_hand("k")).count(), 16);
}
