//! Random operations, for the case that plays them against the model.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, prop_oneof};
use proptest::sample::select;

/// Few keys, so that operations meet; with prefixes of each other and with escapes.
pub(super) const KEYS: &[&str] = &["a", "a:1", "a:10", "a:2", "b", "b/", "é", "~", "."];
pub(super) const PREFIXES: &[&str] = &["", "a", "a:", "a:1", "b", "é", "z"];
pub(super) const VALUES: &[&str] =
    &["", "0", "7", "-12", "-0", "text", "08", "9223372036854775807", "-9223372036854775808", "\0é"];
pub(super) const DELTAS: &[i64] = &[1, -1, 0, 40, i64::MAX, i64::MIN];

pub(super) type Key = &'static str;
pub(super) type Ttl = Option<u64>;

/// One operation, on one of two handles.
#[derive(Clone, Debug)]
pub(super) enum Op {
    Get(Key),
    Put(Key, &'static str, Ttl, When),
    Delete(Key),
    /// Of a version that was seen before; the number says which, from the latest back.
    DeleteVersion(Key, usize),
    Touch(Key, Ttl, Option<usize>),
    Increment(Key, i64, Ttl),
    Scan(&'static str, usize),
    GetMany(Vec<Key>),
    PutMany(Vec<(Key, &'static str)>, Ttl),
    DeleteMany(Vec<Key>),
    Advance(u64),
    Sweep,
}

#[derive(Clone, Debug)]
pub(super) enum When {
    Always,
    Absent,
    Version(usize),
}

pub(super) fn operations(most: usize) -> impl Strategy<Value = Vec<(usize, Op)>> {
    let key = || select(KEYS);
    let value = || select(VALUES);
    let ttl = || option::weighted(0.6, 1_u64..40);
    // Mostly the latest.
    let version = || prop_oneof![4 => Just(0_usize), 1 => 1_usize..4];
    let when =
        prop_oneof![3 => Just(When::Always), 2 => Just(When::Absent), 3 => version().prop_map(When::Version)];
    let op = prop_oneof![
        4 => key().prop_map(Op::Get),
        8 => (key(), value(), ttl(), when).prop_map(|(key, value, ttl, when)| Op::Put(key, value, ttl, when)),
        2 => key().prop_map(Op::Delete),
        2 => (key(), version()).prop_map(|(key, version)| Op::DeleteVersion(key, version)),
        4 => (key(), ttl(), option::of(version())).prop_map(|(key, ttl, version)| Op::Touch(key, ttl, version)),
        5 => (key(), select(DELTAS), ttl()).prop_map(|(key, delta, ttl)| Op::Increment(key, delta, ttl)),
        3 => (select(PREFIXES), 1_usize..6).prop_map(|(prefix, limit)| Op::Scan(prefix, limit)),
        1 => vec(key(), 0..8).prop_map(Op::GetMany),
        1 => (vec((key(), value()), 0..8), ttl()).prop_map(|(entries, ttl)| Op::PutMany(entries, ttl)),
        1 => vec(key(), 0..4).prop_map(Op::DeleteMany),
        4 => (1_u64..30).prop_map(Op::Advance),
        1 => Just(Op::Sweep),
    ];
    vec((0_usize..2, op), 1..=most)
}
