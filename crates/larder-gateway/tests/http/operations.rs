//! Random requests.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;

/// Few keys, so that requests meet; with prefixes of each other, and with what URLs and platforms treat specially.
pub(crate) const KEYS: &[&str] = &["a", "a:1", "a:10", "a:2", "b", "b/", "é", "~", "..", "a+b &=%41"];
const PREFIXES: &[&str] = &["", "a", "a:", "a:1", "b", "é", "z"];
/// JSON and what is none.
const VALUES: &[&str] = &[
    "",
    "0",
    "7",
    "-12",
    "text",
    "08",
    "{\"a\":[1,\n2]}",
    "9223372036854775807",
    "-9223372036854775808",
    "\0é",
];
const DELTAS: &[i64] = &[1, -1, 0, 40, i64::MAX, i64::MIN];

pub(crate) type Key = &'static str;
pub(crate) type Ttl = Option<u64>;

/// One request.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Get(Key),
    Put(Key, &'static str, Ttl, When),
    /// By the plain API; the last says whether the key must be absent.
    PlainPut(Key, &'static str, Ttl, bool),
    Delete(Key, When),
    PlainDelete(Key),
    Touch(Key, Ttl, When),
    Increment(Key, i64, Ttl),
    GetMany(Vec<Key>),
    PutMany(Vec<(Key, &'static str)>, Ttl),
    DeleteMany(Vec<Key>),
    Scan(&'static str, usize),
    Stream(&'static str),
    Advance(u64),
}

/// The condition of a write.
#[derive(Clone, Copy, Debug)]
pub(crate) enum When {
    Always,
    Absent,
    /// The version that was seen so many writes ago.
    Version(usize),
}

pub(crate) fn operations(most: usize) -> impl Strategy<Value = Vec<Op>> {
    let key = || select(KEYS);
    let value = || select(VALUES);
    let ttl = || option::weighted(0.6, 1_u64..40);
    // Mostly the latest.
    let version = || prop_oneof![4 => Just(0_usize), 1 => 1_usize..4];
    let when = || prop_oneof![3 => Just(When::Always), 2 => Just(When::Absent), 3 => version().prop_map(When::Version)];
    let op = prop_oneof![
        4 => key().prop_map(Op::Get),
        8 => (key(), value(), ttl(), when()).prop_map(|(key, value, ttl, when)| Op::Put(key, value, ttl, when)),
        4 => (key(), value(), ttl(), any::<bool>()).prop_map(|(key, value, ttl, new)| Op::PlainPut(key, value, ttl, new)),
        3 => (key(), when()).prop_map(|(key, when)| Op::Delete(key, when)),
        2 => key().prop_map(Op::PlainDelete),
        4 => (key(), ttl(), when()).prop_map(|(key, ttl, when)| Op::Touch(key, ttl, when)),
        5 => (key(), select(DELTAS), ttl()).prop_map(|(key, delta, ttl)| Op::Increment(key, delta, ttl)),
        1 => vec(key(), 0..8).prop_map(Op::GetMany),
        1 => (vec((key(), value()), 0..8), ttl()).prop_map(|(entries, ttl)| Op::PutMany(entries, ttl)),
        1 => vec(key(), 0..4).prop_map(Op::DeleteMany),
        2 => (select(PREFIXES), 1_usize..6).prop_map(|(prefix, limit)| Op::Scan(prefix, limit)),
        1 => select(PREFIXES).prop_map(Op::Stream),
        4 => (1_u64..30).prop_map(Op::Advance),
    ];
    vec(op, 1..=most)
}
