//! What a platform says of its own removal of expired rows.

/// Whether a platform removes what has expired by itself (T3), as it says itself. The texts are for people.
///
/// Nothing is read later or longer for it: it is about rows that take up space, and money.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Reaper {
    /// It does.
    On,
    /// It is being switched on, in the platform's own time; nothing needs to be done.
    Starting,
    /// It does not, or not what has expired: how it is instead.
    Off(String),
    /// The server has no such thing that could be asked: why.
    Unseen(String),
}
