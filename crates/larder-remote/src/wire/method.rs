//! The methods of a driver, as parts of paths.

/// A method of a driver that a gateway has a route for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    /// Reads one record.
    Get,
    /// Writes one record.
    Write,
    /// Adds to a counter.
    Increment,
    /// Reads a range.
    Scan,
    /// Reads several records.
    GetBatch,
    /// Writes several records.
    WriteBatch,
    /// Asks whether the store is there.
    Check,
}

impl Method {
    /// Every method.
    pub const ALL: [Self; 7] =
        [Self::Get, Self::Write, Self::Increment, Self::Scan, Self::GetBatch, Self::WriteBatch, Self::Check];

    /// The method's name in paths.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Write => "write",
            Self::Increment => "increment",
            Self::Scan => "scan",
            Self::GetBatch => "get-batch",
            Self::WriteBatch => "write-batch",
            Self::Check => "check",
        }
    }

    /// Whether an attempt of it can change the store.
    pub const fn writes(self) -> bool {
        match self {
            Self::Write | Self::Increment | Self::WriteBatch => true,
            Self::Get | Self::Scan | Self::GetBatch | Self::Check => false,
        }
    }
}
