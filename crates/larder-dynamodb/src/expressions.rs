//! The expressions of the requests, as `docs/layouts.md` lists them.

/// The names of the attributes.
pub(crate) mod attribute {
    pub(crate) const SHARD: &str = "pk";
    pub(crate) const KEY: &str = "sk";
    pub(crate) const VALUE: &str = "v";
    pub(crate) const NUMBER: &str = "n";
    pub(crate) const EXPIRY: &str = "exp";
    pub(crate) const REAPED: &str = "ttl";
    pub(crate) const WRITE_ID: &str = "w";
    pub(crate) const WRITTEN_AT: &str = "wt";
    /// A counter's last writes, newest first: the id, the time, and the number after it.
    pub(crate) const IDS: [&str; 8] = ["i0", "i1", "i2", "i3", "i4", "i5", "i6", "i7"];
    pub(crate) const TIMES: [&str; 8] = ["t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7"];
    pub(crate) const RESULTS: [&str; 8] = ["r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7"];
}

/// `ttl` is a reserved word.
pub(crate) const REAPED_NAME: (&str, &str) = ("#ttl", attribute::REAPED);

/// No item, or one that has expired.
pub const ABSENT: &str = "attribute_not_exists(pk) OR exp <= :now";
pub(crate) const LIVE: &str = "exp > :now";
/// The item that was seen.
pub const REVISION: &str = "w = :seen";
pub(crate) const PRESENT: &str = "attribute_exists(pk)";
/// A new lifetime.
pub const TOUCH: &str = "SET exp = :exp, #ttl = :ttl, w = :id, wt = :at";
/// A range of one shard, both ends taken in.
pub const RANGE: &str = "pk = :pk AND sk BETWEEN :start AND :end";
/// What a read without the value asks for.
pub const META: &str = "sk, exp, w, wt";

/// Adds to a counter and shifts its register, in one request: every right-hand side reads the item as it was before.
pub const INCREMENT: &str = "SET n = if_not_exists(n, :zero) + :delta, w = :id, wt = :at, \
    exp = if_not_exists(exp, :exp), #ttl = if_not_exists(#ttl, :ttl), \
    i0 = :id, t0 = :at, r0 = if_not_exists(n, :zero) + :delta, \
    i1 = if_not_exists(i0, :zero), t1 = if_not_exists(t0, :zero), r1 = if_not_exists(r0, :zero), \
    i2 = if_not_exists(i1, :zero), t2 = if_not_exists(t1, :zero), r2 = if_not_exists(r1, :zero), \
    i3 = if_not_exists(i2, :zero), t3 = if_not_exists(t2, :zero), r3 = if_not_exists(r2, :zero), \
    i4 = if_not_exists(i3, :zero), t4 = if_not_exists(t3, :zero), r4 = if_not_exists(r3, :zero), \
    i5 = if_not_exists(i4, :zero), t5 = if_not_exists(t4, :zero), r5 = if_not_exists(r4, :zero), \
    i6 = if_not_exists(i5, :zero), t6 = if_not_exists(t5, :zero), r6 = if_not_exists(r5, :zero), \
    i7 = if_not_exists(i6, :zero), t7 = if_not_exists(t6, :zero), r7 = if_not_exists(r6, :zero)";

/// A counter that is there, lives, has room for the sum, was not written after this attempt was given up, and does not
/// remember this increment.
pub const COUNTS: &str = "attribute_not_exists(pk) OR (exp > :now AND wt <= :late AND n BETWEEN :lo AND :hi \
    AND i0 <> :id AND i1 <> :id AND i2 <> :id AND i3 <> :id \
    AND i4 <> :id AND i5 <> :id AND i6 <> :id AND i7 <> :id)";
