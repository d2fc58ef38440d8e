//! The operations of a handle, by the names that errors, spans and metrics use.

use std::fmt;

/// What a handle was asked to do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Operation {
    /// Opening a binding or reading a store's layout.
    Open,
    /// `get` and `get_entry`.
    Get,
    /// `exists`.
    Exists,
    /// `put`.
    Put,
    /// `delete` and `delete_if_version`.
    Delete,
    /// `touch`.
    Touch,
    /// `increment`.
    Increment,
    /// A page of a scan.
    Scan,
    /// `get_many`.
    GetMany,
    /// `put_many`.
    PutMany,
    /// `delete_many`.
    DeleteMany,
    /// `sweep`.
    Sweep,
    /// `check`.
    Check,
}

impl Operation {
    /// Every operation, in the order of their discriminants.
    pub(crate) const ALL: [Self; 13] = [
        Self::Open,
        Self::Get,
        Self::Exists,
        Self::Put,
        Self::Delete,
        Self::Touch,
        Self::Increment,
        Self::Scan,
        Self::GetMany,
        Self::PutMany,
        Self::DeleteMany,
        Self::Sweep,
        Self::Check,
    ];

    /// The operation's name: lower-case words joined by `_`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Get => "get",
            Self::Exists => "exists",
            Self::Put => "put",
            Self::Delete => "delete",
            Self::Touch => "touch",
            Self::Increment => "increment",
            Self::Scan => "scan",
            Self::GetMany => "get_many",
            Self::PutMany => "put_many",
            Self::DeleteMany => "delete_many",
            Self::Sweep => "sweep",
            Self::Check => "check",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Operation;

    #[test]
    fn every_operation_stands_at_its_own_index() {
        for (index, operation) in Operation::ALL.into_iter().enumerate() {
            assert_eq!(operation as usize, index);
        }
    }
}
